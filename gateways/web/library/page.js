// The library: every film, the uploads of this tab, search.
import "shared/frame.js";
import { Part, html, nothing, repeat } from "shared/element.js";
import { announce } from "shared/announce.js";
import { offerSignIn } from "shared/api.js";
import { count } from "shared/format.js";
import { shortcut } from "shared/keys.js";
import { blank, icon, problemNotice, signInButton } from "shared/parts.js";
import { mayUploadProtected } from "shared/protection.js";
import { lacks, may, rights, who } from "shared/rights.js";
import { ready } from "shared/session.js";
import { assetCard, skeletonCard } from "./card.js";
import { dropAnywhere } from "./drop.js";
import { LibraryStore } from "./store.js";
import { uploadCard } from "./upload-card.js";
import { Uploads } from "./uploads.js";

const SEARCH_PAUSE_MS = 200;
const SKELETONS = 8;
const UPLOAD = "assets:write";
const ACCEPT = "video/*,.mkv,.mov,.mp4,.webm,.avi,.ts,.m4v";

class Library extends Part {
  static properties = { hovering: { state: true } };

  constructor() {
    super();
    this.store = new LibraryStore();
    this.uploads = new Uploads();
    this.query = new URLSearchParams(location.search).get("q") ?? "";
    for (const source of [this.store, this.uploads, rights]) source.addEventListener("change", () => this.requestUpdate());
    this.uploads.addEventListener("stored", ({ detail }) => this.onStored(detail));
    rights.addEventListener("change", () => this.pickShelf());
    dropAnywhere({ onFiles: (files) => this.take(files), onOver: (over) => (this.hovering = over) });
    addEventListener("beforeunload", (event) => this.uploads.active.length && event.preventDefault());
    shortcut({ keys: "/", label: "Search", group: "Library", run: () => this.renderRoot.querySelector("#search")?.focus() });
    shortcut({ keys: "u", label: "Upload files", group: "Library", run: () => this.pick() });
    shortcut({ keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], label: "Move between films", group: "Library", run: (event) => this.move(event.key) });
    addEventListener("kinolog-session", () => this.store.load()); // a key may see more films
    ready.then(() => this.store.start(this.query));
  }

  createRenderRoot() {
    this.replaceChildren();
    return this;
  }

  async pick() {
    if (!lacks(UPLOAD) || (await offerSignIn())) this.renderRoot.querySelector("#files").click();
  }

  async take(files) {
    if (!lacks(UPLOAD) || (await offerSignIn())) this.uploads.add(files);
  }

  async protect() {
    const { chooseProtection } = await import("./protection-dialog.js");
    const protection = await chooseProtection(this.uploads.protection);
    if (protection === undefined) return;
    this.uploads.protection = protection;
    announce(protection ? `Uploads are protected by ${protection.scheme}.` : "Uploads are not protected.");
    this.requestUpdate();
  }

  /** How what is uploaded is protected, beside the button that uploads; for those who may say so. */
  protection() {
    if (!mayUploadProtected()) return nothing;
    const scheme = this.uploads.protection?.scheme;
    return html`<button class="button ${scheme ? "" : "square"}" type="button" title="Protection of uploads" aria-label="Protection of uploads: ${scheme ?? "none"}"
      @click=${this.protect}>${icon(scheme ? "lock" : "lock-open")}${scheme ?? nothing}</button>`;
  }

  async onStored({ answer, item }) {
    announce(`${item.title} is uploaded and being processed.`);
    await this.store.include(answer.id);
  }

  onSearch(event) {
    this.query = event.target.value;
    const address = this.query ? `/?${new URLSearchParams({ q: this.query })}` : "/";
    history.replaceState(null, "", address);
    clearTimeout(this.searchTimer);
    this.searchTimer = setTimeout(() => this.store.search(this.query.trim()), SEARCH_PAUSE_MS);
    this.requestUpdate();
  }

  clearSearch() {
    this.onSearch({ target: { value: "" } });
    this.renderRoot.querySelector("#search").focus();
  }

  async remove(asset) {
    const { confirmDelete } = await import("./delete-dialog.js");
    if (!(await confirmDelete(asset))) return;
    this.store.forget(asset.id);
    announce(`${asset.title} is deleted.`);
  }

  move(key) {
    const links = [...this.renderRoot.querySelectorAll(".card h2 a")];
    if (!links.length) return false;
    const at = links.indexOf(document.activeElement);
    const columns = getComputedStyle(this.renderRoot.querySelector(".grid")).gridTemplateColumns.split(" ").length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
    const next = at < 0 ? 0 : at + step;
    links[next]?.focus();
    return links[next] ? true : false;
  }

  get shown() {
    const sending = new Set(this.uploads.active.map((item) => item.title));
    return this.store.assets.filter((asset) => !(asset.state === "uploading" && sending.has(asset.title)));
  }

  render() {
    const { store } = this;
    const number = store.state === "ready" && !store.cursor && !lacks(UPLOAD) && this.shown.length; // a guest sees a few of many
    return html`
      <div class="content">
        <header class="page-head">
          <h1>Library</h1>
          ${number ? html`<span class="faint">${count(number, "film")}</span>` : nothing}
          ${this.shelves()}
          <span class="grow"></span>
          <label class="field search">${icon("search")}
            <span class="visually-hidden">Search the library</span>
            <input id="search" type="search" placeholder="Search" .value=${this.query} @input=${this.onSearch}
              @keydown=${(event) => event.key === "Escape" && this.clearSearch()}>
            ${this.query ? nothing : html`<kbd aria-hidden="true">/</kbd>`}
          </label>
          ${this.protection()}
          ${may(UPLOAD) ? html`<button class="button primary" type="button" @click=${this.pick}>${icon("upload")}Upload</button>` : nothing}
          ${lacks(UPLOAD) && !who()?.account_id ? signInButton() : nothing}
          <input id="files" type="file" accept=${ACCEPT} multiple hidden
            @change=${(event) => { this.take([...event.target.files]); event.target.value = ""; }}>
        </header>
        ${store.state === "error" ? problemNotice(store.problem, { title: "The library could not be read", retry: () => store.load() }) : nothing}
        ${this.films()}
        ${this.further()}
      </div>
      ${this.hovering ? html`<div class="drop-veil"><div>${icon("upload")}<strong>Drop to upload</strong><span>Several files at once are fine</span></div></div>` : nothing}`;
  }

  /** Who neither uploads nor sees all films begins with those that everybody may see. */
  pickShelf() {
    if (may("assets:read:own") && lacks("assets:read") && lacks(UPLOAD)) this.store.show("public");
  }

  /** One's own films, or all that one may see; and what everybody may. Not for links, which open one film. */
  shelves() {
    if (!may("assets:read:own")) return nothing;
    const shelf = (visibility, label) => html`
      <button type="button" aria-pressed=${this.store.visibility === visibility} @click=${() => this.store.show(visibility)}>${label}</button>`;
    return html`<div class="segmented" role="group" aria-label="Films">${shelf("", may("assets:read") ? "All" : "Yours")}${shelf("public", "Public")}</div>`;
  }

  /** The way to older films, or why they could not be read. */
  further() {
    const { store } = this;
    if (!store.cursor) return nothing;
    if (store.moreProblem) {
      return html`<div class="further">${problemNotice(store.moreProblem, { title: "The older films could not be read", retry: () => store.more() })}</div>`;
    }
    return html`<div class="more"><button class="button" type="button" ?disabled=${store.extending} @click=${() => store.more()}>${store.extending ? "Reading…" : "Show more"}</button></div>`;
  }

  films() {
    const { store, uploads } = this;
    if (store.state === "loading") return html`<ul class="grid" aria-busy="true" aria-label="Loading">${Array.from({ length: SKELETONS }, skeletonCard)}</ul>`;
    const empty = !this.shown.length && !uploads.items.length && store.state === "ready";
    if (empty && this.query) {
      return blank({
        name: "search-x", title: "Nothing found", text: html`No film has “${this.query}” in its title.`,
        actions: html`<button class="button" type="button" @click=${this.clearSearch}>Show all films</button>`,
      });
    }
    if (empty && lacks(UPLOAD)) {
      return blank({
        name: "film", title: "No film to see here", text: "The film of your link is gone, or there is none yet. An API key shows every film, and can upload.",
      });
    }
    if (empty) {
      return html`<div class="first">${blank({
        name: "film", title: "Your first film goes here",
        text: "Drop a video anywhere on this page, or choose one. It plays as soon as its first seconds are encoded, while the rest still is.",
        actions: html`<button class="button primary" type="button" @click=${this.pick}>${icon("upload")}Choose files</button>`,
      })}<p class="faint formats">MP4 · MOV · MKV · WebM · AVI</p></div>`;
    }
    return html`<ul class="grid" aria-label="Films">
      ${repeat(uploads.items, (item) => `upload-${item.key}`, (item) => uploadCard(item, uploads))}
      ${repeat(this.shown, (asset) => asset.id, (asset) => assetCard(asset, { live: store.progress.get(asset.id), onDelete: (one) => this.remove(one), onChange: (one) => store.put(one) }))}
    </ul>`;
  }
}

customElements.define("kl-library", Library);
document.getElementById("main").replaceChildren(document.createElement("kl-library"));
