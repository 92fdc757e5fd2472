// The panel of now: how many watch, how that went in the last minutes, and what they watch.
import { Part, html, nothing, repeat } from "shared/element.js";
import { paths } from "shared/asset.js";
import { ready } from "shared/session.js";
import { address } from "./address.js";
import "./chart.js";
import { csvOf, save } from "./csv.js";
import { moment } from "./drawing.js";
import { watchNow } from "./live-socket.js";
import { titleOf } from "./names.js";
import { whole } from "./numbers.js";
import { icon } from "shared/parts.js";

const SILENT_MS = 10_000; // news comes each second
const STATES = {
  connecting: "Connecting…", silent: "The service tells nothing now; it goes on by itself.",
  waiting: "The connection broke; it comes back by itself.", refused: "This session may not follow what is watched now.",
};

class Live extends Part {
  static properties = { asset: {}, news: { state: true }, link: { state: true }, titles: { state: true } };

  constructor() {
    super();
    [this.link, this.titles] = ["connecting", new Map()];
  }

  connectedCallback() {
    super.connectedCallback();
    ready.then(() => {
      if (this.isConnected) this.end = watchNow(this.asset, (news) => this.take(news), (link) => (this.link = link));
    });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.silence);
    this.end?.();
  }

  take(news) {
    [this.news, this.link] = [news, "open"];
    clearTimeout(this.silence);
    this.silence = setTimeout(() => (this.link = "silent"), SILENT_MS);
    for (const { asset_id: id, title } of news.top ?? []) {
      if (title) this.titles.set(id, title);
      else if (!this.titles.has(id)) {
        this.titles.set(id, "…");
        titleOf(id).then((found) => (this.titles = new Map(this.titles.set(id, found))));
      }
    }
  }

  export() {
    save("kinolog-live", csvOf(["at", "viewers"], this.points.map(({ at_ms: at, viewers }) => [new Date(at).toISOString(), viewers])));
  }

  get points() {
    return this.news?.last_minutes ?? [];
  }

  render() {
    const { news, link, points } = this;
    const open = link === "open" && news;
    return html`
      <section class="panel numbers live" aria-label="Watching now">
        <header><h2>Watching now</h2>${open ? html`<span class="chip working"><span class="pulse"></span>Live</span>` : nothing}<span class="grow"></span>
          ${points.length ? html`<button class="icon-button" type="button" aria-label="Export Watching now as CSV" title="Export as CSV" @click=${this.export}>${icon("download")}</button>` : nothing}</header>
        <div class="now">
          <p class="big" ?data-old=${!open}>${news ? html`<strong>${whole(news.viewers)}</strong><span class="faint">${news.viewers === 1 ? "viewer" : "viewers"}</span>` : html`<span class="skeleton line"></span>`}</p>
          ${open ? nothing : html`<p class="quiet" role="status">${STATES[link] ?? "Waiting for the first numbers…"}</p>`}
          ${points.length > 1 ? html`<kl-chart time counts class="low" .height=${120} label="Viewers in the last minutes" .zone=${address.zone} .x=${points.map((point) => point.at_ms / 1000)} .series=${[{ label: "Viewers", fill: true, values: points.map((point) => point.viewers) }]}
            .format=${whole} .xText=${(s) => moment(s * 1000, address.zone, "minute")}></kl-chart>` : nothing}
          ${this.asset ? nothing : this.films()}
        </div>
      </section>`;
  }

  films() {
    const { news, titles } = this;
    if (!news) return nothing;
    if (!news.top?.length) return html`<p class="quiet">Nobody watches anything now. It shows here within a second.</p>`;
    const most = Math.max(...news.top.map((film) => film.viewers));
    return html`<ul class="parts" aria-label="Films that are watched now">${repeat(news.top, (film) => film.asset_id, (film) => html`
      <li><a class="text" href=${address.link(paths.numbers(film.asset_id))}>${film.title || titles.get(film.asset_id)}</a>
        <progress max=${most} .value=${film.viewers} aria-hidden="true"></progress><span class="number">${whole(film.viewers)}</span></li>`)}</ul>`;
  }
}

customElements.define("kl-live", Live);
