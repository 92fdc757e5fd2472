// The log of one asset: every event as it happens, its content, its causes and effects.
import "shared/frame.js";
import { Part, html, nothing } from "shared/element.js";
import { announce } from "shared/announce.js";
import { api } from "shared/api.js";
import { isWorking, paths } from "shared/asset.js";
import { count } from "shared/format.js";
import { shortcut } from "shared/keys.js";
import { LogStore } from "shared/log-store.js";
import { blank, icon, idButton, problemNotice } from "shared/parts.js";
import { ready } from "shared/session.js";
import { filters } from "./filters.js";
import { filtered } from "./model.js";
import { timeline } from "./timeline.js";
import { causes } from "./tree.js";

const ID = decodeURIComponent(location.pathname.split("/")[2]);
const PAGE = 400; // lines drawn at once; older ones come on request
const GROUP = "Events";

class LogPage extends Part {
  static properties = { asset: { state: true }, mode: { state: true }, following: { state: true }, query: { state: true }, target: { state: true } };

  constructor() {
    super();
    const query = new URLSearchParams(location.search);
    this.mode = query.get("view") === "causes" ? "causes" : "time";
    this.query = query.get("q") ?? "";
    this.hiddenTypes = new Set(query.getAll("hide"));
    this.opened = new Set();
    this.unfolded = new Set();
    this.drawn = PAGE;
    this.log = new LogStore(ID);
    this.log.addEventListener("change", () => this.onChange());
    addEventListener("hashchange", () => this.go(location.hash.slice(1)));
    addEventListener("wheel", (event) => event.deltaY < 0 && (this.following = false), { passive: true });
    shortcut({ keys: "/", label: "Filter", group: GROUP, run: () => this.renderRoot.querySelector("#filter")?.focus() });
    shortcut({ keys: "j", label: "Next event", group: GROUP, run: () => this.step(1) });
    shortcut({ keys: "k", label: "Event before", group: GROUP, run: () => this.step(-1) });
    shortcut({ keys: "v", label: "By time, or by cause", group: GROUP, run: () => this.show(this.mode === "time" ? "causes" : "time") });
    shortcut({ keys: "f", label: "Follow new events", group: GROUP, run: () => this.follow(null, null, !this.following) });
    ready.then(() => this.start());
  }

  async start() {
    const asset = api.asset(ID).then((found) => {
      this.asset = found;
      document.title = `Events of ${found.title} · Kinolog`;
      this.following ??= isWorking(found) && !location.hash;
    }, () => {}); // a deleted asset still has its log
    await Promise.all([asset, this.log.start()]);
    if (location.hash) this.go(location.hash.slice(1));
  }

  async onChange() {
    this.requestUpdate();
    if (!this.following || this.log.state !== "ready") return;
    await this.updateComplete;
    scrollTo({ top: document.body.scrollHeight, behavior: "instant" });
  }

  // what lines ask
  isOpen = (id) => this.opened.has(id);
  isUnfolded = (id) => this.unfolded.has(id);

  toggle(id) {
    if (!this.opened.delete(id)) this.opened.add(id);
    history.replaceState(null, "", `${location.pathname}${location.search}${this.opened.has(id) ? `#${id}` : ""}`);
    this.requestUpdate();
  }

  unfold(ids) {
    ids.forEach((id) => this.unfolded.add(id));
    this.requestUpdate();
  }

  async go(id) {
    const at = this.log.entries.findIndex((entry) => entry.id === id);
    if (at < 0) return;
    this.following = false;
    this.hiddenTypes.delete(this.log.byId.get(id).type);
    this.query = "";
    this.drawn = Math.max(this.drawn, this.log.entries.length - at + 20);
    this.opened.add(id);
    this.target = id;
    this.requestUpdate();
    await this.updateComplete;
    const line = document.getElementById(id);
    line?.scrollIntoView({ block: "center" });
    line?.querySelector("button").focus({ preventScroll: true });
  }

  /** A link to an event was clicked, or following is switched (no event given). */
  follow(event, id, on) {
    if (!event) {
      this.following = on;
      announce(on ? "Following new events" : "Not following");
      if (on) this.onChange();
      return;
    }
    event.preventDefault();
    history.pushState(null, "", `#${id}`);
    this.go(id);
  }

  async fetchCause(entry) {
    const { causes: found = [] } = await api.entry(entry.id).catch(() => ({}));
    const wanted = found.find((candidate) => candidate.id === entry.causation_id);
    if (!wanted) return announce("The cause is not in the history yet.");
    this.log.add([wanted]);
    return this.go(wanted.id);
  }

  step(by) {
    const lines = [...this.renderRoot.querySelectorAll(".event > .line")];
    const at = lines.indexOf(document.activeElement);
    const next = lines[at < 0 ? 0 : at + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  toggleType(type) {
    if (!this.hiddenTypes.delete(type)) this.hiddenTypes.add(type);
    this.keepAddress();
  }

  showAllTypes() {
    this.hiddenTypes.clear();
    this.keepAddress();
  }

  show(mode) {
    this.mode = mode;
    this.keepAddress();
  }

  keepAddress() {
    const query = new URLSearchParams();
    if (this.mode === "causes") query.set("view", "causes");
    if (this.query) query.set("q", this.query);
    this.hiddenTypes.forEach((type) => query.append("hide", type));
    history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
    this.requestUpdate();
  }

  render() {
    const { log, asset } = this;
    return html`
      <div class="content log">
        <nav class="crumbs" aria-label="Where you are"><a href="/">Library</a>${icon("chevron-right")}${asset ? html`<a href=${paths.watch(ID)}>${asset.title}</a>` : idButton(ID, "Asset id")}</nav>
        <header class="page-head">
          <h1>Events</h1>
          ${log.entries.length ? html`<span class="faint">${count(log.entries.length, "event")}</span>` : nothing}
          ${log.link === "open" ? html`<span class="chip working"><span class="pulse"></span>Live</span>` : log.state === "ready" ? html`<span class="chip">Reconnecting</span>` : nothing}
          <span class="grow"></span>
          <label class="field search">${icon("list-filter")}<span class="visually-hidden">Filter the events</span>
            <input id="filter" type="search" placeholder="Filter" .value=${this.query}
              @input=${(event) => { this.query = event.target.value; this.keepAddress(); }}>${this.query ? nothing : html`<kbd aria-hidden="true">/</kbd>`}</label>
          <div class="segmented" role="group" aria-label="View">
            <button type="button" aria-pressed=${this.mode === "time"} @click=${() => this.show("time")}>${icon("clock")}Time</button>
            <button type="button" aria-pressed=${this.mode === "causes"} @click=${() => this.show("causes")}>${icon("list-tree")}Causes</button>
          </div>
          <label class="follow"><input type="checkbox" role="switch" .checked=${this.following ?? false} @change=${(event) => this.follow(null, null, event.target.checked)}><span>Follow</span></label>
        </header>
        ${log.state === "error" ? problemNotice(log.problem, { title: "The events could not be read", retry: () => log.start() }) : nothing}
        ${log.state === "loading" ? this.skeleton() : nothing}
        ${log.state === "ready" && !log.entries.length ? blank({ name: "list-tree", title: "No events yet", text: "Everything that happens to this film will be listed here, as it happens." }) : nothing}
        ${log.entries.length ? this.events() : nothing}
      </div>`;
  }

  events() {
    const shown = filtered(this.log.entries, this.hiddenTypes, this.query);
    const older = this.mode === "time" ? Math.max(0, shown.length - this.drawn) : 0;
    return html`<div class="split">${filters(this)}
      <div class="events" role="region" aria-label="Events">
        ${older ? html`<button class="button small older" type="button" @click=${() => { this.drawn += PAGE; this.requestUpdate(); }}>Show ${Math.min(older, PAGE)} of ${older} earlier events</button>` : nothing}
        ${shown.length ? (this.mode === "time" ? timeline(older ? shown.slice(older) : shown, this) : causes(shown, this))
          : blank({ name: "search-x", title: "No event fits", text: "Change the filter, or show more types.", actions: html`<button class="button" type="button" @click=${() => { this.query = ""; this.showAllTypes(); }}>Show everything</button>` })}
      </div></div>`;
  }

  skeleton() {
    return html`<div class="events" role="group" aria-busy="true" aria-label="Loading">${Array.from({ length: 9 }, (_, at) => html`<div class="ghost"><span class="skeleton"></span><span class="skeleton ${at % 3 ? "" : "long"}"></span></div>`)}</div>`;
  }
}

customElements.define("kl-log", LogPage);
document.getElementById("main").replaceChildren(document.createElement("kl-log"));
