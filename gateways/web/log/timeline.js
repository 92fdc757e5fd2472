// Events in order of time, in groups with the silences between them.
import { html, repeat } from "shared/element.js";
import { describeRun } from "shared/describe.js";
import { elapsed, timeOfDay } from "shared/format.js";
import { icon } from "shared/parts.js";
import { entryLine } from "./entry.js";
import { groups } from "./model.js";

const position = (entry) => html`<code>${entry.partition}·${entry.offset}</code>`;

function runLine(run, view) {
  const { name, icon: sign, text } = describeRun(run);
  const open = () => view.unfold(run.map((entry) => entry.id));
  return html`
    <div class="event run"><button class="line" type="button" aria-expanded="false" @click=${open}>
      <time>${timeOfDay(run[0].at_ms)}</time><span class="sign">${icon(sign)}</span>
      <span class="text">${text}</span><code class="type">${name}</code><span class="beside"><b>× ${run.length}</b></span>${icon("unfold-vertical", "turn")}
    </button></div>`;
}

export function timeline(entries, view) {
  const start = view.log.entries[0]?.at_ms ?? 0;
  return repeat(groups(entries, (id) => view.isOpen(id) || view.isUnfolded(id)), (group) => group.at_ms, (group) => html`
    <section class="group">
      <header><h2>${timeOfDay(group.at_ms, { millis: false })}</h2>
        <span class="faint">${group.at_ms === start ? "the beginning" : `${elapsed(group.at_ms - start)} later`} · ${group.count} event${group.count === 1 ? "" : "s"}</span></header>
      <div class="lines">${repeat(group.lines, (line) => line.id ?? `run-${line.run[0].id}`, (line) => (line.run ? runLine(line.run, view) : entryLine(line, view, position(line))))}</div>
    </section>`);
}
