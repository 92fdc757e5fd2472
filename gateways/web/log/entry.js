// One event: a line, and what is behind it.
import { html, nothing } from "lit";
import { copy } from "shared/announce.js";
import { describe } from "shared/describe.js";
import { elapsed, exact, iso, timeOfDay } from "shared/format.js";
import { icon, idButton } from "shared/parts.js";
import { jsonTree } from "./json.js";

const MOST_EFFECTS = 12;

/** `view` is the page: `isOpen(id)`, `toggle(id)`, `go(id)`, `log`. `beside` is what stands at the right end. */
export function entryLine(entry, view, beside = nothing) {
  const { name, icon: sign, tone, text } = describe(entry);
  const open = view.isOpen(entry.id);
  return html`
    <div class="event" id=${entry.id} data-tone=${tone} ?data-open=${open} ?data-target=${view.target === entry.id}>
      <button class="line" type="button" aria-expanded=${open} aria-controls="c-${entry.id}" @click=${() => view.toggle(entry.id)}>
        <time datetime=${iso(entry.at_ms)} title=${exact(entry.at_ms)}>${timeOfDay(entry.at_ms)}</time>
        <span class="sign">${icon(sign)}</span>
        <span class="text">${text}</span>
        <code class="type">${name}</code>
        <span class="beside">${beside}</span>
        ${icon("chevron-down", "turn")}
      </button>
      ${open ? content(entry, view) : nothing}
    </div>`;
}

const link = (entry, view, from) => {
  const { icon: sign, text } = describe(entry);
  const delay = entry.at_ms - from.at_ms;
  return html`<a class="relation" href="#${entry.id}" @click=${(event) => view.follow(event, entry.id)}>${icon(sign)}<span>${text}</span>
    <span class="faint">${delay === 0 ? "same ms" : `${delay > 0 ? "+" : "−"}${elapsed(Math.abs(delay))}`}</span></a>`;
};

function cause(entry, view) {
  if (!entry.causation_id) return html`<p class="quiet">Nothing on the log: it came from outside.</p>`;
  const known = view.log.byId.get(entry.causation_id);
  if (known) return link(known, view, entry);
  return html`<button class="button small" type="button" @click=${() => view.fetchCause(entry)}>${icon("search")}Find the cause ${entry.causation_id.slice(0, 8)}</button>`;
}

function content(entry, view) {
  const effects = view.log.effects(entry.id);
  const fact = (name, value) => html`<dt>${name}</dt><dd>${value}</dd>`;
  return html`
    <div class="content-of" id="c-${entry.id}">
      <section class="data" aria-label="Decoded content">
        <header><h3>Content</h3><button class="icon-button" type="button" title="Copy as JSON" aria-label="Copy the content as JSON"
          @click=${() => copy(JSON.stringify(entry.data, null, 2), "Content")}>${icon("copy")}</button></header>
        ${jsonTree(entry.data)}
      </section>
      <section class="why" aria-label="Causes and effects">
        <h3>Because of</h3>${cause(entry, view)}
        <h3>Led to</h3>
        ${effects.length ? effects.slice(0, MOST_EFFECTS).map((effect) => link(effect, view, entry)) : html`<p class="quiet">Nothing yet.</p>`}
        ${effects.length > MOST_EFFECTS ? html`<p class="quiet">and ${effects.length - MOST_EFFECTS} more, see Causes</p>` : nothing}
        <h3>On the log</h3>
        <dl>
          ${fact("Type", html`<code>${entry.type}</code>`)}
          ${fact("Event", idButton(entry.id, "Event id"))}
          ${fact("Trace", entry.trace_id ? idButton(entry.trace_id, "Trace id") : "none")}
          ${fact("Topic", html`<code>${entry.topic}</code>`)}
          ${fact("Position", html`<code>partition ${entry.partition}, offset ${entry.offset}</code>`)}
          ${fact("Source", html`<code>${entry.source}</code>`)}
          ${fact("Key", idButton(entry.key, "Key"))}
          ${fact("Time", html`<code>${iso(entry.at_ms)}</code>`)}
        </dl>
      </section>
    </div>`;
}
