// Signing in: what somebody shows (or the short-lived code of a link) becomes a cookie that scripts cannot read.
import { html, render } from "lit";
import { api, onSignInNeeded } from "shared/api.js";

const OLD_LINK = "This link no longer signs in: it does for a quarter of an hour. Ask for a new one, or use your API key.";

let asking = null;
let required = false;
let told = "";

/** Takes `#code=…` out of the address before anything can keep or send it, and trades it for a session. */
async function useCodeOfAddress() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  await api.openSession({ code }).catch(() => {
    told = OLD_LINK; // the first refused request asks for the key, and says why
  });
}

/** Resolves when a code in the address, if there is one, has been used. Pages load their data after it. */
export const ready = useCodeOfAddress();

function ask({ required: now, problem = null }) {
  required ||= now;
  if (problem?.code) told = problem.message; // there was a session: why it is over
  asking ??= showDialog().finally(() => {
    [asking, required, told] = [null, false, ""];
  });
  return asking;
}

onSignInNeeded(ask);

async function showDialog() {
  await Promise.all([import("wa/dialog/dialog.js"), import("shared/sign-in.js")]);
  const host = document.createElement("div");
  document.body.append(host);
  const opened = Promise.withResolvers();
  // where a page would have nothing on it without a credential, the dialog stays
  const leave = (event) => (required ? event.preventDefault() : opened.resolve(false));
  render(html`
    <wa-dialog class="sign-in" label="Sign in to Kinolog" without-header @wa-hide=${leave}>
      <kl-sign-in .message=${told} ?declinable=${!required}
        @signed-in=${() => opened.resolve(true)} @declined=${() => opened.resolve(false)}></kl-sign-in>
    </wa-dialog>`, host);
  await host.querySelector("kl-sign-in").updateComplete;
  const dialog = host.querySelector("wa-dialog");
  await customElements.whenDefined("wa-dialog");
  dialog.open = true;
  const signedIn = await opened.promise;
  host.remove();
  if (signedIn) dispatchEvent(new Event("kinolog-session"));
  return signedIn;
}
