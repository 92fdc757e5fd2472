// What people with more rights than an owner did to others' accounts and films and in their rooms, and why they said they did.
import "shared/frame.js";
import { Part, html, nothing, repeat } from "shared/element.js";
import { identity } from "shared/identity-api.js";
import { blank, icon, problemNotice } from "shared/parts.js";
import { forbidden } from "shared/section.js";
import { ready } from "shared/session.js";
import { ACTS, entryRow } from "./entry.js";
import { Names } from "./names.js";

const PERIODS = [["", "Any time", 0], ["hour", "Last hour", 3_600_000], ["day", "Last 24 hours", 86_400_000], ["week", "Last 7 days", 604_800_000], ["month", "Last 30 days", 2_592_000_000]];
const FILTERS = ["actor", "act", "time", "account_id"];

class Audit extends Part {
  static properties = { items: { state: true }, cursor: { state: true }, problem: { state: true }, busy: { state: true } };

  constructor() {
    super();
    const query = new URLSearchParams(location.search);
    this.filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
    this.names = new Names();
    this.actors = new Set(["administrator"]);
    addEventListener("kinolog-session", () => this.load());
    ready.then(() => this.load());
  }

  createRenderRoot() {
    this.replaceChildren();
    return this;
  }

  async load(more = false) {
    const asked = (this.asked = {});
    if (!more) [this.items, this.cursor] = [undefined, null];
    [this.busy, this.problem] = [true, null];
    const { actor, act, time, account_id } = this.filter;
    const span = PERIODS.find(([name]) => name === time)?.[2];
    try {
      const page = await identity.audit({ actor, act, account_id, since_ms: span ? Date.now() - span : "", cursor: this.cursor });
      if (asked !== this.asked) return; // another filter was chosen meanwhile
      this.items = [...(this.items ?? []), ...page.items];
      this.cursor = page.next_cursor;
      for (const entry of page.items) this.actors.add(entry.actor);
      this.names.learn(page.names);
    } catch (problem) {
      if (asked !== this.asked) return;
      this.problem = problem;
    }
    this.busy = false;
  }

  choose(name, value) {
    this.filter[name] = value;
    const search = new URLSearchParams(Object.entries(this.filter).filter(([, set]) => set));
    history.replaceState(null, "", search.size ? `/audit?${search}` : "/audit");
    this.load();
  }

  clear() {
    for (const name of FILTERS) this.filter[name] = "";
    this.choose("act", "");
  }

  select(name, label, table) {
    return html`<label class="filter"><span>${label}</span>
      <select class="select" name=${name} @change=${(event) => this.choose(name, event.target.value)}>
        ${table.map(([value, says]) => html`<option value=${value} ?selected=${this.filter[name] === value}>${says}</option>`)}
      </select></label>`;
  }

  render() {
    if (this.problem?.status === 403) return html`<div class="content"><header class="page-head"><h1>Audit</h1></header>${forbidden("The audit", () => this.load())}</div>`;
    const actors = [...new Set([...this.actors, this.filter.actor])].filter(Boolean).map((actor) => [actor, this.names.of(actor)]);
    return html`
      <div class="content">
        <header class="page-head"><h1>Audit</h1><span class="grow"></span>
          <button class="button small" type="button" ?disabled=${this.busy} @click=${() => this.load()}>${icon("rotate-cw")}Read anew</button></header>
        <div class="filters" role="group" aria-label="Filters">
          ${this.select("actor", "Who", [["", "Anybody"], ...actors])}
          ${this.select("act", "What", [["", "Anything"], ...Object.entries(ACTS)])}
          ${this.select("time", "When", PERIODS)}
          ${this.filter.account_id ? html`<button class="button small about" type="button" aria-label="Not only about ${this.names.of(this.filter.account_id)}" @click=${() => this.choose("account_id", "")}>About ${this.names.of(this.filter.account_id)}${icon("x")}</button>` : nothing}
        </div>
        ${this.problem ? problemNotice(this.problem, { title: "The audit could not be read", retry: () => this.load(this.items !== undefined) }) : nothing}
        ${this.list()}
        ${this.cursor && !this.problem ? html`<div class="more"><button class="button" type="button" ?disabled=${this.busy} @click=${() => this.load(true)}>${this.busy ? "Reading…" : "Show more"}</button></div>` : nothing}
      </div>`;
  }

  list() {
    if (this.items === undefined) return this.problem ? nothing : html`<ul class="acts panel" aria-busy="true" aria-label="Loading">${[1, 2, 3, 4].map(() => html`<li class="line" aria-hidden="true"><div class="what"><span class="skeleton line wide"></span><span class="skeleton line"></span></div></li>`)}</ul>`;
    if (this.items.length) return html`<ul class="acts panel" aria-label="Acts">${repeat(this.items, (entry) => entry.id, (entry) => entryRow(entry, this.names, (id) => this.choose("account_id", id)))}</ul>`;
    const filtered = Object.values(this.filter).some(Boolean);
    return blank({
      name: "scroll-text", title: filtered ? "Nothing fits" : "Nothing happened yet",
      text: filtered ? "Nobody did this, or not in this time. What happened a moment ago takes a few seconds to show." : "As soon as somebody changes others' accounts or films, or moderates their rooms, it stands here with their reason.",
      actions: filtered ? html`<button class="button" type="button" @click=${() => this.clear()}>Show everything</button>` : nothing,
    });
  }
}

customElements.define("kl-audit", Audit);
document.getElementById("main").replaceChildren(document.createElement("kl-audit"));
