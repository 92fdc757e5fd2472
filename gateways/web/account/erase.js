// Erasing oneself: typed, because it cannot be undone.
import { html } from "shared/element.js";
import { offerSignIn } from "shared/api.js";
import { dialogActions, dialogForm, openDialog } from "shared/dialog.js";
import { identity } from "shared/identity-api.js";

/** `typed`: what has to be typed, the address or, without one, the name. */
export async function eraseMe(typed) {
  const done = await openDialog("Erase your account?", (ask) => dialogForm((fields) => ask.run(() => identity.eraseMe(fields.get("films"))), html`
    <p class="quiet">Everything that tells who you are is forgotten for ever, from the log too. Nobody can bring the account back.</p>
    <label for="typed">Type <strong>${typed}</strong> to confirm</label>
    <div class="field"><input id="typed" name="typed" autocomplete="off" spellcheck="false" autocapitalize="none" autofocus @input=${() => ask.draw()}></div>
    <fieldset class="choices"><legend>Your films</legend>
      <label class="choice"><input type="radio" name="films" value="delete" checked><span>Delete them</span></label>
      <label class="choice"><input type="radio" name="films" value="transfer"><span>Leave them to the administrator</span></label>
    </fieldset>
    ${ask.problem?.status === 403 ? html`<button class="button" type="button" @click=${async () => (await offerSignIn()) && ask.run(() => identity.eraseMe(document.querySelector("[name=films]:checked").value))}>Sign in again</button>` : ""}
    ${dialogActions(ask, { label: "Erase for ever", busy: "Erasing…", danger: true, keep: "Keep it", blocked: document.getElementById("typed")?.value !== typed })}`));
  if (done) location.assign("/sign-in?erased");
}
