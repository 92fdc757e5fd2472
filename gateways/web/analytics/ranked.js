// What most of it is: videos, countries, devices and so on, each with its share and what it was before.
import { html, nothing, repeat } from "shared/element.js";
import { paths } from "shared/asset.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import { DIMENSIONS, ONE, nameOf, titleOf } from "./names.js";
import { MEASURES, change, lasting, share, short, whole } from "./numbers.js";
import { Panel } from "./panel.js";

const SHOWN = 8;
const MOST = 1000;
const METRICS = ["views", "viewers", "playing_ms", "completion_rate"];
const OF_RENDITION = ["views", "viewers", "playing_ms"];

/** `dimensions`: names to choose one of, with commas between them; a filter that is set stands on its row. */
class Ranked extends Panel {
  static properties = { ...Panel.properties, dimensions: {}, asset: {}, titles: { state: true } };

  charted = false;

  get all() {
    return this.dimensions.split(",");
  }

  get dimension() {
    return this.all.includes(this.chosen) ? this.chosen : this.all[0];
  }

  get heading() {
    return this.all.length > 1 ? this.caption : DIMENSIONS[this.dimension];
  }

  get fileName() {
    return DIMENSIONS[this.dimension].toLowerCase();
  }

  get metrics() {
    return this.dimension === "rendition" ? OF_RENDITION : METRICS;
  }

  ask(limit, signal) {
    return analytics.metrics(address.question({
      metrics: this.metrics.join(","), group_by: this.dimension, compare: "previous", limit, asset: this.asset,
    }), signal);
  }

  async read(signal) {
    const data = { ...(await this.ask(SHOWN, signal)), dimension: this.dimension };
    if (this.dimension === "asset") await this.name(data.rows);
    return data;
  }

  async name(rows) {
    const titles = await Promise.all(rows.map(async ({ key }) => [key, await titleOf(key)]));
    this.titles = new Map([...(this.titles ?? []), ...titles]);
  }

  choose(dimension) {
    this.chosen = dimension;
    this.reload();
  }

  isEmpty(data) {
    return data.rows.length === 0;
  }

  sheet(data) {
    return {
      columns: [ONE[data.dimension], ...this.metrics],
      rows: data.rows.map((row) => [row.key, ...this.metrics.map((name) => row[name])]),
    };
  }

  async everything() {
    return this.sheet({ ...(await this.ask(MOST)), dimension: this.dimension });
  }

  tools() {
    if (this.all.length < 2) return nothing;
    return html`<div class="segmented slim" role="group" aria-label="By">${this.all.map((name) => html`
      <button type="button" aria-pressed=${this.dimension === name ? "true" : "false"} @click=${() => this.choose(name)}>${DIMENSIONS[name]}</button>`)}</div>`;
  }

  label(data, key) {
    if (data.dimension === "asset") return html`<a class="text" href=${address.link(paths.numbers(key))}>${this.titles?.get(key) ?? key}</a>`;
    const name = nameOf(data.dimension, key);
    if (!key || data.dimension === "rendition") return name;
    const set = address.get(data.dimension) === key;
    return html`<button class="link" type="button" aria-pressed=${set ? "true" : "false"} title=${set ? "Take this filter away" : `Only ${name}`}
      @click=${() => address.set({ [data.dimension]: set ? "" : key })}>${name}</button>`;
  }

  content(data) {
    const most = Math.max(1, ...data.rows.map((row) => row.views));
    const before = new Map(data.previous?.rows.map((row) => [row.key, row]));
    const films = data.dimension === "asset";
    return html`
      <table class="ranked">
        <thead><tr><th scope="col">${ONE[data.dimension]}</th><th scope="col" class="number">Views</th><th scope="col" class="number wide">Share</th>
          ${films ? html`<th scope="col" class="number wide">Playing time</th><th scope="col" class="number wide">Completed</th>` : nothing}<th scope="col" class="number">Change</th></tr></thead>
        <tbody>${repeat(data.rows, (row) => row.key, (row) => {
          const moved = change(row.views, before.get(row.key)?.views, MEASURES.views.good);
          return html`<tr>
            <th scope="row">${this.label(data, row.key)}<progress max=${most} .value=${row.views} aria-hidden="true"></progress></th>
            <td class="number" title=${whole(row.views)}>${short(row.views)}</td>
            <td class="number wide faint">${data.totals.views ? share(row.views / data.totals.views) : "–"}</td>
            ${films ? html`<td class="number wide">${lasting(row.playing_ms)}</td><td class="number wide">${share(row.completion_rate)}</td>` : nothing}
            <td class="number moved ${moved?.tone ?? ""}">${moved ? moved.text : html`<span class="faint">new</span>`}</td></tr>`;
        })}</tbody>
      </table>
      ${data.more ? html`<p class="pad faint more-of">The first ${SHOWN} are shown; the exported file has more.</p>` : nothing}`;
  }
}

customElements.define("kl-ranked", Ranked);
