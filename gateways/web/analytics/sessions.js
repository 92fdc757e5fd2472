// Playback sessions one by one, the newest first: the way to why one was not counted.
import { html, nothing, repeat } from "shared/element.js";
import { api } from "shared/api.js";
import { paths } from "shared/asset.js";
import { icon, when } from "shared/parts.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import { REASONS, doneOf } from "./decisions.js";
import { nameOf, titleOf } from "./names.js";
import { lasting } from "./numbers.js";
import { Panel } from "./panel.js";

const WHICH = [["", "All"], ["counted", "Counted"], ["uncounted", "Not counted"], ["failed", "Failed"], ["stalled", "Stalled"]];

/** Whether the film that the player named is one of ours. */
export const isKnown = (view) => !view.reasons.includes("unknown_video");

/** Short of the engagement: that is no reason against a view. */
const against = (view) => view.reasons.filter((code) => code !== "too_short").map((code) => REASONS[code] ?? code);

export const verdict = (view) => (view.counted
  ? html`<span class="chip working">Counted</span>`
  : html`<span class="chip warn">${against(view).join(", ") || "Not counted"}</span>`);

class Sessions extends Panel {
  static properties = { ...Panel.properties, older: { state: true } };

  heading = "Playback sessions";
  fileName = "sessions";
  emptyText = "No session is like this in this time.";

  constructor() {
    super();
    this.titles = new Map();
    this.older = [];
  }

  ask(cursor, signal) {
    const which = address.get("only");
    return analytics.views(address.question({ which, asset: address.get("asset"), bots: "", limit: 50, cursor }), signal);
  }

  async read(signal) {
    const page = await this.ask("", signal);
    await this.name(page.items);
    const known = new Set(page.items.map((view) => view.view_id));
    const same = this.question === location.search;
    this.question = location.search;
    this.older = same ? this.older.filter((view) => !known.has(view.view_id)) : [];
    return { ...page, next_cursor: this.older.length ? this.data.next_cursor : page.next_cursor, as_of_ms: Date.now() };
  }

  async name(views) {
    const ids = [...new Set(views.filter(isKnown).map((view) => view.asset_id))].filter((id) => !this.titles.has(id));
    await Promise.all(ids.map(async (id) => this.titles.set(id, await titleOf(id))));
  }

  async more() {
    const { items, next_cursor: cursor } = await this.ask(this.data.next_cursor);
    await this.name(items);
    this.older = [...this.older, ...items];
    this.data = { ...this.data, next_cursor: cursor };
  }

  isEmpty(data) {
    return !data.items.length;
  }

  tools() {
    const only = address.get("only");
    return html`<div class="segmented slim" role="group" aria-label="Which">${WHICH.map(([name, label]) => html`
      <button type="button" aria-pressed=${only === name ? "true" : "false"} @click=${() => address.set({ only: name })}>${label}</button>`)}</div>`;
  }

  sheet(data) {
    const names = ["view_id", "started_at_ms", "asset_id", "counted", "reasons", "country", "device", "os", "browser", "player", "source", "startup_ms", "playing_ms", "media_ms", "covered_ms", "stalled_ms", "stalls", "seeks", "failed", "error", "bot"];
    return { columns: names, rows: [...data.items, ...this.older].map((view) => names.map((name) => (Array.isArray(view[name]) ? view[name].join(" ") : view[name]))) };
  }

  row(view) {
    return html`<tr>
      <th scope="row"><a class="text" href="/analytics/views/${view.view_id}">${when(view.started_at_ms)}</a></th>
      <td class="film">${this.titles.get(view.asset_id) ?? view.asset_id}</td>
      <td>${verdict(view)}</td>
      <td class="number">${lasting(view.playing_ms)}<span class="faint wide"> ${doneOf(view)}</span></td>
      <td class="number wide">${lasting(view.startup_ms)}</td>
      <td class="number wide">${view.stalls ? `${view.stalls} (${lasting(view.stalled_ms)})` : "–"}</td>
      <td class="wide">${nameOf("country", view.country)}</td>
      <td class="wide">${[nameOf("device", view.device), view.browser].filter(Boolean).join(", ")}</td></tr>`;
  }

  content(data) {
    return html`
      <table class="ranked sessions">
        <thead><tr><th scope="col">Began</th><th scope="col">Film</th><th scope="col">Decision</th><th scope="col" class="number">Played</th><th scope="col" class="number wide">Startup</th>
          <th scope="col" class="number wide">Stalls</th><th scope="col" class="wide">Country</th><th scope="col" class="wide">Device</th></tr></thead>
        <tbody>${repeat([...data.items, ...this.older], (view) => view.view_id, (view) => this.row(view))}</tbody>
      </table>
      ${data.next_cursor ? html`<div class="pad more"><button class="button" type="button" @click=${this.more}>Show more</button></div>` : nothing}`;
  }
}

customElements.define("kl-sessions", Sessions);

class OfFilm extends Panel {
  /** The film that the list is narrowed to; it stands above the list. */
  render() {
    const id = address.get("asset");
    if (!id) return nothing;
    return html`<p class="bar"><a class="text" href=${paths.numbers(id)}>${icon("clapperboard")} ${this.data?.title ?? id}</a>
      <button class="chip working filter" type="button" @click=${() => address.set({ asset: "" })}>Only this film${icon("x")}</button></p>`;
  }

  read(signal) {
    const id = address.get("asset");
    return id ? api.asset(id, signal) : null;
  }
}

customElements.define("kl-of-film", OfFilm);

export const sessionsPage = () => html`
  <kl-head heading="Sessions"></kl-head><kl-of-film></kl-of-film>
  <div class="board"><kl-sessions class="whole"></kl-sessions></div>`;
