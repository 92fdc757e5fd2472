// Asks before something is gone for good.
import { html, render } from "lit";
import { api } from "shared/api.js";
import { reasonField } from "shared/dialog.js";
import { problemNotice } from "shared/parts.js";
import { isOthers } from "shared/rights.js";

/** Resolves to true once the server took the deletion, to false when the person thought better of it. */
export async function confirmDelete(asset) {
  await import("wa/dialog/dialog.js");
  const host = document.createElement("div");
  document.body.append(host);
  const answer = Promise.withResolvers();
  let busy = false;
  let problem = null;

  const remove = async () => {
    busy = true;
    draw();
    try {
      await api.remove(asset.id, host.querySelector("#reason")?.value.trim());
      answer.resolve(true);
      dialog.open = false;
    } catch (error) {
      [problem, busy] = [error, false];
      draw();
    }
  };

  const draw = () => render(html`
    <wa-dialog label="Delete “${asset.title}”?" light-dismiss @wa-after-hide=${() => { answer.resolve(false); host.remove(); }}>
      <div class="dialog-form">
      <p class="quiet">The film, all its renditions and its upload are removed from the store. Its events stay on the log. This cannot be undone.</p>
      ${isOthers(asset) ? reasonField : ""}
      </div>
      ${problem ? html`<br>${problemNotice(problem)}` : ""}
      <div class="dialog-actions">
        <button class="button" type="button" autofocus @click=${() => { dialog.open = false; }}>Keep it</button>
        <button class="button danger" type="button" ?disabled=${busy} @click=${remove}>${busy ? "Deleting…" : "Delete"}</button>
      </div>
    </wa-dialog>`, host);

  draw();
  const dialog = host.querySelector("wa-dialog");
  await customElements.whenDefined("wa-dialog");
  dialog.open = true;
  return answer.promise;
}
