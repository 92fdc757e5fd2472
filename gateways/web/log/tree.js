// Events under what caused them: the answer to "why?".
import { html, nothing } from "lit";
import { describeRun } from "shared/describe.js";
import { elapsed } from "shared/format.js";
import { icon } from "shared/parts.js";
import { entryLine } from "./entry.js";
import { gathered, trees } from "./model.js";

const delay = (node, cause) => (cause ? html`<code>+${elapsed(Math.max(0, node.entry.at_ms - cause.entry.at_ms))}</code>` : nothing);

function twinsLine(twins, view, cause) {
  const first = twins[0].entry;
  if (view.isUnfolded(first.id)) return twins.map((node) => nodeOf(node, view, cause));
  const { name, icon: sign, text } = describeRun(twins.map((node) => node.entry));
  return html`<li><div class="event run"><button class="line" type="button" aria-expanded="false" @click=${() => view.unfold([first.id])}>
    <span class="sign">${icon(sign)}</span><span class="text">${text}</span><code class="type">${name}</code><span class="beside"><b>× ${twins.length}</b></span>${icon("unfold-vertical", "turn")}
  </button></div></li>`;
}

function nodeOf(node, view, cause) {
  return html`<li>${entryLine(node.entry, view, delay(node, cause))}
    ${node.effects.length ? html`<ul>${gathered(node.effects).map((line) => (line.twins ? twinsLine(line.twins, view, node) : nodeOf(line, view, node)))}</ul>` : nothing}</li>`;
}

export const causes = (entries, view) => html`<ul class="tree" aria-label="Events under their causes">${trees(entries).map((root) => nodeOf(root, view, null))}</ul>`;
