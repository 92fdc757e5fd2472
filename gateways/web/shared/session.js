// Signing in: an API key (or the short-lived code of a link) becomes a cookie that scripts cannot read.
import { html, nothing, render } from "lit";
import { api, onSignInNeeded } from "shared/api.js";
import { icon } from "shared/parts.js";

const OLD_LINK = "This link no longer signs in: it does for a quarter of an hour. Ask for a new one, or use your API key.";

let asking = null;
let required = false;
let codeRefused = false;

/** Takes `#code=…` out of the address before anything can keep or send it, and trades it for a session. */
async function useCodeOfAddress() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  await api.openSession({ code }).catch(() => {
    codeRefused = true; // the first refused request asks for the key, and says why
  });
}

/** Resolves when a code in the address, if there is one, has been used. Pages load their data after it. */
export const ready = useCodeOfAddress();

function ask({ required: now }) {
  required ||= now;
  asking ??= showDialog().finally(() => {
    [asking, required] = [null, false];
  });
  return asking;
}

onSignInNeeded(ask);

async function showDialog() {
  await import("wa/dialog/dialog.js");
  const host = document.createElement("div");
  document.body.append(host);
  const opened = Promise.withResolvers();
  let message = codeRefused ? OLD_LINK : "";
  let busy = false;

  const submit = async (event) => {
    event.preventDefault();
    const key = new FormData(event.target).get("api_key").trim();
    if (!key || busy) return;
    busy = true;
    draw();
    try {
      await api.openSession({ api_key: key });
      opened.resolve(true);
    } catch (problem) {
      message = problem.status === 401 || problem.status === 403 ? "This key is not known here. Check it and try again." : problem.message;
      busy = false;
      draw();
      host.querySelector("input").select();
    }
  };

  // where a page would have nothing on it without a key, the dialog stays
  const leave = (event) => (required ? event.preventDefault() : opened.resolve(false));
  const draw = () => render(html`
    <wa-dialog class="sign-in" label="Sign in to Kinolog" without-header @wa-hide=${leave}>
      <form class="dialog-form" @submit=${submit}>
        <img src="/web/shared/mark.svg" width="40" height="40" alt="">
        <h2>Sign in to Kinolog</h2>
        <p class="quiet">Use your API key. The administrator's is <code>admin_api_key</code> in
          <code>.kinolog/credentials.json</code>, in the folder where Kinolog was started.</p>
        <label for="api-key">API key</label>
        <div class="field">${icon("key-round")}
          <input id="api-key" name="api_key" type="password" autocomplete="current-password" required autofocus
            spellcheck="false" aria-describedby="api-key-error" aria-invalid=${message ? "true" : "false"}>
        </div>
        <p id="api-key-error" class="field-error" role="alert">${message}</p>
        <button class="button primary" type="submit" ?disabled=${busy}>${busy ? "Signing in…" : "Sign in"}</button>
        ${required ? nothing : html`<button class="button plain" type="button" @click=${() => opened.resolve(false)}>Not now</button>`}
      </form>
    </wa-dialog>`, host);

  draw();
  const dialog = host.querySelector("wa-dialog");
  await customElements.whenDefined("wa-dialog");
  dialog.open = true;
  const signedIn = await opened.promise;
  host.remove();
  if (signedIn) dispatchEvent(new Event("kinolog-session"));
  return signedIn;
}

export async function signOut() {
  await api.closeSession().catch(() => {});
  location.assign("/");
}
