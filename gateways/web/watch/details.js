// What is known of a film: facts and its ladder of renditions.
import { html, nothing } from "lit";
import { bitrate, bytes, clock } from "shared/format.js";
import { idButton, when } from "shared/parts.js";

const fact = (name, value) => (value ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing);

export const facts = (asset) => html`
  <dl class="facts">
    ${fact("Length", clock(asset.duration_ms))}
    ${fact("Source", asset.width ? `${asset.width} × ${asset.height}` : "")}
    ${fact("File size", bytes(asset.size_bytes))}
    ${fact("Uploaded", when(asset.created_at_ms))}
    ${fact("Id", idButton(asset.id, "Asset id"))}
  </dl>`;

export function ladder(asset) {
  const rungs = [...(asset.renditions ?? [])].filter((rung) => rung.height).sort((a, b) => b.height - a.height);
  if (!rungs.length) return nothing;
  const most = Math.max(...rungs.map((rung) => rung.bandwidth || 0));
  return html`
    <section class="panel">
      <header><h2>Renditions</h2></header>
      <table class="ladder">
        <thead class="visually-hidden"><tr><th>Name</th><th>Size</th><th>Share of the highest bandwidth</th><th>Bandwidth</th></tr></thead>
        <tbody>${rungs.map((rung) => html`
          <tr><th scope="row">${rung.name}</th><td class="faint">${rung.width} × ${rung.height}</td>
            <td class="bar">${most ? html`<progress max=${most} .value=${rung.bandwidth || 0} aria-label="${rung.name} bandwidth"></progress>` : nothing}</td>
            <td class="number">${bitrate(rung.bandwidth)}</td></tr>`)}
        </tbody>
      </table>
    </section>`;
}
