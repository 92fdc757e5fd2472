// A dialog that asks something and gives an answer.
import { html, nothing, render } from "lit";
import { problemNotice } from "shared/parts.js";

/**
 * Shows `body(ask)` until it is closed; resolves to what `ask.close(value)` was given, or to undefined.
 * `ask.run(work)` keeps the dialog busy while `work` goes on, closes it with its value, and shows its problem.
 */
export async function openDialog(label, body, { cls = "" } = {}) {
  await import("wa/dialog/dialog.js");
  const host = document.createElement("div");
  document.body.append(host);
  const answer = Promise.withResolvers();
  const ask = {
    busy: false,
    problem: null,
    close(value) {
      answer.resolve(value);
      host.querySelector("wa-dialog").open = false;
    },
    async run(work) {
      if (ask.busy) return;
      [ask.busy, ask.problem] = [true, null];
      ask.draw();
      try {
        const value = await work();
        ask.close(value ?? true);
      } catch (problem) {
        [ask.busy, ask.problem] = [false, problem];
        ask.draw();
      }
    },
    draw() {
      const gone = (event) => {
        if (event.target.localName !== "wa-dialog") return;
        answer.resolve(undefined);
        host.remove();
      };
      render(html`
        <wa-dialog class=${cls} label=${label} @wa-after-hide=${gone}>
          ${body(ask)}
          ${ask.problem ? html`<div class="dialog-problem">${problemNotice(ask.problem)}</div>` : nothing}
        </wa-dialog>`, host);
    },
  };
  ask.draw();
  await customElements.whenDefined("wa-dialog");
  host.querySelector("wa-dialog").open = true;
  return answer.promise;
}

/** The two buttons at the end of a form in a dialog. */
export const dialogActions = (ask, { label, busy = "One moment…", danger = false, keep = "Cancel", blocked = false }) => html`
  <div class="dialog-actions">
    <button class="button" type="button" @click=${() => ask.close()}>${keep}</button>
    <button class="button ${danger ? "danger" : "primary"}" type="submit" ?disabled=${ask.busy || blocked}>${ask.busy ? busy : label}</button>
  </div>`;

/** A form in a dialog: `submit(fields)` gets its values by name. */
export const dialogForm = (submit, content) => html`
  <form class="dialog-form" @submit=${(event) => {
    event.preventDefault();
    submit(new FormData(event.currentTarget));
  }}>${content}</form>`;

/** A field for why somebody does what others did not ask for, and what was written into it (null: nothing). */
export const reasonField = html`
  <label for="reason">Reason <span class="faint">(shown in the audit)</span></label>
  <div class="field"><input id="reason" name="reason" maxlength="500"></div>`;
export const reasonOf = (fields) => (fields.get("reason") ?? "").trim() || null;

/** A text that is shown once, with a button that copies it. */
export const secretField = (text, copyIt, what) => html`
  <div class="secret"><code class="mono" tabindex="0" aria-label=${what}>${text}</code>
    <button class="button primary" type="button" autofocus @click=${copyIt}>Copy</button></div>`;
