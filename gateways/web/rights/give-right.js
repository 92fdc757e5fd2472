// Gives an account a right, as a shop would.
import { html } from "shared/element.js";
import { dialogActions, dialogForm, openDialog } from "shared/dialog.js";
import { drm } from "shared/drm-api.js";
import { RIGHTS } from "shared/licence-words.js";

const untilOf = (fields) => (fields.get("until") ? new Date(fields.get("until")).getTime() : null);

/** A member's right is one to all films for members; the others name their film. */
export const askRight = (accountId) => openDialog("Give a right", (ask) => {
  const member = document.getElementById("right-kind")?.value === "member";
  return dialogForm(
    (fields) => ask.run(() => drm.giveRight(accountId, member ? "*" : fields.get("asset_id").trim(), { kind: fields.get("kind"), until_ms: untilOf(fields) })),
    html`
      <label for="right-kind">Right</label>
      <select id="right-kind" name="kind" class="select" @change=${() => ask.draw()}>${Object.entries(RIGHTS).map(([kind, says]) => html`<option value=${kind}>${says}</option>`)}</select>
      <label for="right-film">Film id <span class="faint">${member ? "(a membership opens all films for members)" : ""}</span></label>
      <div class="field"><input id="right-film" name="asset_id" ?required=${!member} ?disabled=${member} pattern="[A-Za-z0-9_\\-]{1,64}" autocomplete="off" spellcheck="false"></div>
      <label for="right-until">Until <span class="faint">(your time; empty: for ever; what is rented ends)</span></label>
      <div class="field"><input id="right-until" name="until" type="datetime-local" ?required=${document.getElementById("right-kind")?.value === "rented"}></div>
      ${dialogActions(ask, { label: "Give it", busy: "Giving…" })}`);
});
