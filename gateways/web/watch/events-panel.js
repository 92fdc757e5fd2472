// The newest events of a film beside the player: the way into its log.
import { html, nothing } from "lit";
import { paths } from "shared/asset.js";
import { describe } from "shared/describe.js";
import { timeOfDay } from "shared/format.js";
import { icon } from "shared/parts.js";

const SHOWN = 40;
const NOISE = new Set(["WorkProgressed", "WorkEnded", "TimerSet", "TimerCancelled"]);

export function eventsPanel(asset, log) {
  const rows = log.entries.map((entry) => ({ entry, ...describe(entry) })).filter((row) => !NOISE.has(row.name)).slice(-SHOWN).reverse();
  return html`
    <section class="panel on-log" aria-labelledby="on-log">
      <header><h2 id="on-log">On the log</h2>
        ${log.link === "open" ? html`<span class="chip working"><span class="pulse"></span>Live</span>` : nothing}
        <span class="grow"></span><a class="text" href=${paths.log(asset.id)}>All events</a></header>
      ${log.state === "error" ? html`<p class="quiet pad">The events could not be read. ${log.problem.message}</p>` : nothing}
      ${log.state === "loading" ? html`<div class="pad"><span class="skeleton line wide"></span><span class="skeleton line"></span><span class="skeleton line wide"></span></div>` : nothing}
      <ol tabindex="0" aria-label="Newest events">${rows.map((row) => html`
        <li data-tone=${row.tone}><a href="${paths.log(asset.id)}#${row.entry.id}">
          ${icon(row.icon)}<span>${row.text}</span><time>${timeOfDay(row.entry.at_ms, { millis: false })}</time></a></li>`)}</ol>
    </section>`;
}
