// Everybody with an account, and what an administrator may do to it.
import "shared/frame.js";
import { Part, html, nothing, repeat } from "shared/element.js";
import { announce } from "shared/announce.js";
import { identity } from "shared/identity-api.js";
import { count } from "shared/format.js";
import { shortcut } from "shared/keys.js";
import { blank, icon, problemNotice } from "shared/parts.js";
import { may, rights } from "shared/rights.js";
import { forbidden } from "shared/section.js";
import { ready } from "shared/session.js";
import * as ask from "./dialogs.js";
import { skeletonRow, userRow } from "./row.js";
import { UsersStore } from "./store.js";

const STATES = [["", "All"], ["active", "Active"], ["invited", "Invited"], ["disabled", "Disabled"]];

class Users extends Part {
  constructor() {
    super();
    this.store = new UsersStore();
    const query = new URLSearchParams(location.search);
    [this.query, this.only] = [query.get("q") ?? "", query.get("state") ?? ""];
    for (const source of [this.store, rights]) source.addEventListener("change", () => this.requestUpdate());
    shortcut({ keys: "/", label: "Search", group: "Users", run: () => this.querySelector("#search")?.focus() });
    shortcut({ keys: "i", label: "Invite somebody", group: "Users", run: () => may("users:write") && this.invite() });
    addEventListener("kinolog-session", () => this.start());
    ready.then(() => this.start());
  }

  createRenderRoot() {
    this.replaceChildren();
    return this;
  }

  async start() {
    await this.store.load();
    this.readOn();
  }

  readOn() {
    return this.store.readOn(() => this.query || this.only);
  }

  look(query, only) {
    [this.query, this.only] = [query, only];
    const search = new URLSearchParams(Object.entries({ q: query, state: only }).filter(([, value]) => value));
    history.replaceState(null, "", search.size ? `/users?${search}` : "/users");
    this.requestUpdate();
    this.readOn();
  }

  async invite() {
    const link = await ask.invite();
    if (link) this.store.put(await identity.user(link.account_id));
  }

  async act(name, user) {
    const answer = await ask[name](user);
    if (!answer) return;
    if (name === "erase") {
      this.store.forget(user.id);
      announce("The account is being erased.");
    } else {
      this.store.put(await identity.user(user.id));
      announce("Done.");
    }
  }

  render() {
    const { store } = this;
    const refused = store.problem?.status === 403;
    return html`
      <div class="content">
        <header class="page-head">
          <h1>Users</h1>
          ${store.state === "ready" && !store.cursor ? html`<span class="faint">${count(store.users.length, "account")}</span>` : nothing}
          <span class="grow"></span>
          ${refused ? nothing : this.tools()}
        </header>
        ${refused ? forbidden("The list of accounts", () => this.start()) : html`
          ${store.problem ? problemNotice(store.problem, { title: "The accounts could not be read", retry: () => store.more() }) : nothing}
          ${this.list()}
          ${store.cursor && !store.problem ? html`<div class="more"><button class="button" type="button" ?disabled=${store.reading} @click=${() => store.more()}>${store.reading ? "Reading…" : "Show more"}</button></div>` : nothing}`}
      </div>`;
  }

  tools() {
    return html`
      <div class="segmented" role="group" aria-label="State">${STATES.map(([state, label]) => html`
        <button type="button" aria-pressed=${this.only === state ? "true" : "false"} @click=${() => this.look(this.query, state)}>${label}</button>`)}</div>
      <label class="field search">${icon("search")}<span class="visually-hidden">Search users</span>
        <input id="search" type="search" placeholder="Name, address, role" .value=${this.query} @input=${(event) => this.look(event.target.value, this.only)}
          @keydown=${(event) => event.key === "Escape" && this.look("", this.only)}></label>
      ${may("users:write") ? html`<button class="button primary" type="button" @click=${this.invite}>${icon("user-round-plus")}Invite</button>` : nothing}`;
  }

  list() {
    const { store } = this;
    if (store.state === "loading") return html`<ul class="people panel" aria-busy="true" aria-label="Loading">${[1, 2, 3, 4, 5].map(skeletonRow)}</ul>`;
    const shown = store.found(this.query, this.only);
    if (shown.length) return html`<ul class="people panel" aria-label="Users">${repeat(shown, (user) => user.id, (user) => userRow(user, (name) => this.act(name, user)))}</ul>`;
    if (store.state === "error") return nothing;
    if (this.query || this.only) {
      return store.reading ? html`<p class="quiet" role="status">Looking through the accounts: ${store.users.length} so far…</p>` : blank({
        name: "search-x", title: "Nobody found", text: "No account has this name, address, role or state.",
        actions: html`<button class="button" type="button" @click=${() => this.look("", "")}>Show all accounts</button>`,
      });
    }
    return blank({
      name: "users-round", title: "Nobody is here yet", text: "Invite the first person: they get a link, choose a password and are in.",
      actions: may("users:write") ? html`<button class="button primary" type="button" @click=${this.invite}>${icon("user-round-plus")}Invite</button>` : nothing,
    });
  }
}

customElements.define("kl-users", Users);
document.getElementById("main").replaceChildren(document.createElement("kl-users"));
