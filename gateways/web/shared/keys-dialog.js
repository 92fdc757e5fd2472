// The list of keys, opened by `?`.
import { html, render } from "lit";
import { shortcuts } from "shared/keys.js";

const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

export async function openKeys() {
  await import("wa/dialog/dialog.js");
  const host = document.createElement("div");
  document.body.append(host);
  const groups = Map.groupBy(shortcuts(), (entry) => entry.group);
  const rows = [...groups].map(([group, entries]) => html`
    <dt class="group">${group}</dt>
    ${entries.map((entry) => html`
      <dt>${entry.label}</dt>
      <dd>${entry.keys.map((key) => html`<kbd>${NAMES[key] ?? key}</kbd>`)}</dd>`)}`);
  render(html`
    <wa-dialog label="Keys" light-dismiss @wa-after-hide=${() => host.remove()}>
      <dl class="keys">${rows}</dl>
    </wa-dialog>`, host);
  await customElements.whenDefined("wa-dialog");
  host.querySelector("wa-dialog").open = true;
}
