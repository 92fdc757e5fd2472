// Search in a room's history: words, what has them, and the way there.
import { Part, html, nothing } from "shared/element.js";
import { announce } from "shared/announce.js";
import { clock, count } from "shared/format.js";
import { icon, problemNotice, when } from "shared/parts.js";
import { chat } from "./api.js";
import { hueOf, marked, nameOf } from "./text.js";

const PAUSE_MS = 350; // after the last letter
const LIMIT = 20;

/** Fires "found" with a message to go to, "seek" with its time in the film (if `film`), and "done". */
class ChatSearch extends Part {
  static properties = { roomId: {}, film: { type: Boolean }, words: { state: true }, items: { state: true }, busy: { state: true }, problem: { state: true } };

  constructor() {
    super();
    this.words = "";
  }

  firstUpdated() {
    this.querySelector("input").focus();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  typed(event) {
    clearTimeout(this.timer);
    const words = event.currentTarget.value.trim();
    this.timer = setTimeout(() => words !== this.words && this.find(words), PAUSE_MS);
  }

  submitted(event) {
    event.preventDefault();
    clearTimeout(this.timer);
    this.find(this.querySelector("input").value.trim());
  }

  /** Anew, or further back than what was found. */
  async find(words, { before = null } = {}) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    if (before === null) [this.words, this.items, this.before] = [words, undefined, null];
    [this.problem, this.busy] = [null, words !== ""];
    if (!words) return;
    try {
      const page = await chat.messages(this.roomId, { q: words, before, limit: LIMIT, signal: asking.signal });
      this.items = [...(this.items ?? []), ...page.items.toReversed()];
      this.before = page.before;
      announce(count(this.items.length, "message found", "messages found"));
    } catch (problem) {
      if (asking.signal.aborted) return;
      this.problem = problem;
    }
    this.busy = false;
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  pressed(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      this.tell("done");
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const places = [this.querySelector("input"), ...this.querySelectorAll(".hit")];
    const next = places[places.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  render() {
    return html`
      <form class="search" role="search" @submit=${this.submitted} @keydown=${this.pressed}>
        <div class="field">${icon("search")}<input type="search" aria-label="Search this room" placeholder="Words in messages" maxlength="100" autocomplete="off" enterkeyhint="search" @input=${this.typed}></div>
        <button class="icon-button" type="button" aria-label="Close the search" @click=${() => this.tell("done")}>${icon("x")}</button>
      </form>
      <div class="found" aria-busy=${this.busy ? "true" : "false"} @keydown=${this.pressed}>${this.results()}</div>`;
  }

  results() {
    const { items, busy, problem, words } = this;
    if (!words) return html`<p class="nothing quiet">Finds messages that hold all of your words, the newest first, however old they are.</p>`;
    return html`
      ${items?.length ? html`<ol>${items.map((item) => this.hit(item))}</ol>` : nothing}
      ${problem ? problemNotice(problem, { title: "The search broke off", retry: () => this.find(words, { before: this.before }) }) : nothing}
      ${busy ? html`<p class="nothing quiet" role="status">${items ? "Looking further back…" : "Looking through the messages…"}</p>` : nothing}
      ${busy || problem ? nothing : items?.length === 0 && this.before === null ? html`<p class="nothing quiet">Nobody has written “${words}”.</p>` : this.before === null ? nothing : html`
        <p class="further">${items.length ? nothing : html`<span class="quiet">Not among the newest. </span>`}<button class="button small" type="button" @click=${() => this.find(words, { before: this.before })}>Search further back</button></p>`}`;
  }

  hit(message) {
    const said = marked(message.text, this.words).map((part) => (part.mark ? html`<mark>${part.text}</mark>` : part.text));
    return html`<li>
      <button class="hit" type="button" @click=${() => this.tell("found", message)}>
        <span class="by"><b class=${hueOf(message.author.id)}>${nameOf(message.author)}</b> <span class="faint">${when(message.sent_at_ms)}</span></span>
        <span class="words" dir="auto">${said}</span></button>
      ${this.film && message.media_ms !== null ? html`<button class="button small plain seek" type="button" aria-label="Go to ${clock(message.media_ms) || "0:00"} in the film" @click=${() => this.tell("seek", message.media_ms)}>${icon("play")}${clock(message.media_ms) || "0:00"}</button>` : nothing}</li>`;
  }
}

customElements.define("kl-chat-search", ChatSearch);
