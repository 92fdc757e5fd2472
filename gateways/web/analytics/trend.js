// The numbers of the time beside those of the time before, and the way there: a tile chooses what the chart shows.
import { html, nothing } from "shared/element.js";
import { blank, icon } from "shared/parts.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import "./chart.js";
import { moment } from "./drawing.js";
import { MEASURES, change, short } from "./numbers.js";
import { Panel } from "./panel.js";
import { robots } from "./robots.js";

const TILES = ["views", "viewers", "playing_ms", "completion_rate", "startup_median_ms", "stalled_share", "failure_rate"];
const MORE = ["engaged_views", "average_playing_ms"];

/** A line; what has only begun (today, this hour) is dashed: it is no fall. */
function lines(label, values, goesOn) {
  if (!goesOn || values.length < 2) return [{ label, values, fill: true }];
  const end = values.length - 1;
  return [
    { label, values: values.map((value, at) => (at === end ? null : value)), told: values, fill: true },
    { values: values.map((value, at) => (at < end - 1 ? null : value)), dash: [3, 3] },
  ];
}

class Trend extends Panel {
  static properties = { ...Panel.properties, asset: {} };

  heading = "Trend";
  charted = true;
  fileName = "trend";

  read(signal) {
    const { zone, interval } = address;
    return analytics.metrics(address.question({
      metrics: [...TILES, ...MORE].join(","), group_by: "time", interval, timezone: zone, compare: "previous", asset: this.asset,
    }), signal);
  }

  get chosen() {
    const named = address.get("metric");
    return [...TILES, ...MORE].includes(named) ? named : "views";
  }

  isEmpty(data) {
    return data.rows.every((row) => [...TILES, ...MORE].every((name) => !row[name]));
  }

  blank() {
    const filtered = address.filters.length > 0;
    return blank({
      name: "chart-column", title: filtered ? "No session has all of these" : "Nothing was watched in this time",
      text: filtered ? "Take a filter away to see more." : "Views are counted as soon as somebody presses play. Choose a longer time, or watch a film yourself.",
      actions: html`${address.range === "90d" || filtered ? nothing : html`<button class="button" type="button" @click=${() => address.set({ range: "90d", from: "", to: "" })}>Look at 90 days</button>`}
        ${filtered ? html`<button class="button" type="button" @click=${() => address.set(Object.fromEntries(address.filters.map(([name]) => [name, ""])))}>Without filters</button>` : nothing}`,
    });
  }

  sheet(data) {
    const { label, format } = MEASURES[this.chosen];
    const before = data.previous?.rows ?? [];
    const names = [...TILES, ...MORE];
    const text = (atMs) => moment(atMs, data.timezone, data.interval);
    if (!this.asTable) {
      return { columns: ["at", ...names, ...names.map((name) => `previous_${name}`)], rows: data.rows.map((row, at) => [new Date(row.at_ms).toISOString(), ...names.map((name) => row[name]), ...names.map((name) => before[at]?.[name])]) };
    }
    return { columns: ["Time", label, "Time before"], rows: data.rows.map((row, at) => [row.at_ms, row[this.chosen], before[at]?.[this.chosen] ?? null]), show: [text, format, format] };
  }

  async everything() {
    const [asTable, sheet] = [this.asTable, () => this.sheet(this.data)];
    this.asTable = false;
    const rows = sheet();
    this.asTable = asTable;
    return rows;
  }

  tile(name) {
    const { label, format, good, about } = MEASURES[name];
    const [now, before] = [this.data?.totals[name], this.data?.previous?.totals[name]];
    const moved = change(now, before, good);
    return html`
      <button class="tile" type="button" aria-pressed=${this.chosen === name ? "true" : "false"} title=${about || nothing} @click=${() => address.set({ metric: name === "views" ? "" : name })}>
        <span class="faint">${label}</span>
        ${this.data === undefined ? html`<span class="skeleton line"></span>` : html`<strong>${format(now)}</strong>
          <span class="moved ${moved?.tone ?? ""}">${moved ? html`<span aria-hidden="true">${moved.text}</span><span class="visually-hidden">${moved.spoken}</span>` : html`<span class="faint">nothing before</span>`}</span>`}
      </button>`;
  }

  meaning({ definitions }) {
    const about = definitions[this.chosen]?.about;
    return about ? html`<span>${MEASURES[this.chosen].label}: ${about}.</span>` : nothing;
  }

  get behind() {
    const link = new URL(address.link("/analytics/views"), location.href);
    if (this.asset) link.searchParams.set("asset", this.asset);
    return link.pathname + link.search;
  }

  content(data) {
    const { chosen } = this;
    const { label, format } = MEASURES[chosen];
    const before = data.previous?.rows ?? [];
    const series = lines(label, data.rows.map((row) => row[chosen]), address.span().toMs === 0);
    if (before.some((row) => row[chosen])) series.push({ label: "Before", values: data.rows.map((_, at) => before[at]?.[chosen] ?? null), tone: "--text-3", dash: [4, 4], width: 1.5 });
    return html`<div class="pad"><kl-chart time ?counts=${format === short} label="${label} by ${data.interval}" .x=${data.rows.map((row) => row.at_ms / 1000)} .series=${series}
      .zone=${data.timezone} .format=${format} .xText=${(s) => moment(s * 1000, data.timezone, data.interval)}></kl-chart>
      <p class="meaning faint">${this.meaning(data)}<a class="text" href=${this.behind}>${icon("list")} Why? The sessions behind it</a></p></div>`;
  }

  render() {
    if (this.problem && this.data === undefined) return super.render();
    return html`<div class="tiles" role="group" aria-label="Numbers of this time; one of them is drawn below">${TILES.map((name) => this.tile(name))}</div>${super.render()}${robots(this.data?.bots_excluded)}`;
  }
}

customElements.define("kl-trend", Trend);
