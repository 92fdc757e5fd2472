// The chat of one room: its messages, live or in the film's time, and the place to write.
import { Part, html, nothing } from "shared/element.js";
import { clock, count } from "shared/format.js";
import { shortcut } from "shared/keys.js";
import { icon } from "shared/parts.js";
import { rights } from "shared/rights.js";
import { socketUrl } from "./api.js";
import { blocked } from "./blocks.js";
import "./composer.js";
import { MessageList } from "./list.js";
import { outboxView } from "./outbox-view.js";
import { empty, header, pins, state } from "./panel-parts.js";
import { seen, typingLine } from "./presence.js";
import { readout } from "./readout.js";
import { RoomStore } from "./room.js";
import { clickedRow, pressedRow } from "./rows-keys.js";
import "./search.js";
import { ChatSocket } from "./socket.js";
import { earlier, go, toNewest, turn } from "./when.js";

/** `roomId`; `video` (optional): a function that gives the <video>, for the film's time and the replay. */
class ChatPanel extends Part {
  static properties = { roomId: {}, heading: {}, video: { attribute: false }, replaying: { state: true }, away: { state: true }, searching: { state: true } };

  constructor() {
    super();
    [this.replaying, this.searching] = [false, false];
    this.away = false; // at messages of another time, which a search has found
    this.onRights = () => this.list?.redraw();
    this.onVisible = () => this.see();
  }

  firstUpdated() {
    this.list = new MessageList({
      scroller: this.querySelector(".scroller"), rows: this.querySelector(".rows"),
      view: () => this.view(), onChange: () => this.requestUpdate(), onFresh: (messages, how) => this.came(messages, how),
    });
    this.speak = readout(() => this.querySelector(".spoken"));
    document.addEventListener("visibilitychange", this.onVisible);
    if (!this.moderating) this.forgetKey = shortcut({ keys: "/", label: "Search this room", group: "Chat", run: () => (this.searching = true) });
    rights.addEventListener("change", this.onRights);
    this.socket = new ChatSocket(socketUrl());
    this.socket.addEventListener("blocks", () => this.redraw());
    this.join();
  }

  updated() {
    const entries = this.store?.outbox.entries;
    if (entries !== this.drawnEntries) this.list.settle();
    this.drawnEntries = entries;
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    rights.removeEventListener("change", this.onRights);
    document.removeEventListener("visibilitychange", this.onVisible);
    this.forgetKey?.();
    this.store?.end();
    this.replay?.end();
    this.socket?.end();
  }

  get elsewhere() {
    return this.replaying || this.away;
  }

  join() {
    const sink = {
      take: (deltas) => this.take(deltas),
      reset: (messages) => !this.elsewhere && this.list.reset(messages),
      missed: () => !this.elsewhere && this.list.missed(),
    };
    const { list } = this;
    Object.defineProperty(sink, "newest", { get: () => (this.elsewhere ? null : list.newest) });
    this.store = new RoomStore(this.roomId, this.socket, sink);
    this.store.addEventListener("change", () => this.changed());
    this.changed();
  }

  changed() {
    const { you } = this.store;
    const now = `${you.account_id} ${you.moderator} ${you.may_write}`;
    if (now !== this.drawnFor) this.list.redraw();
    this.drawnFor = now;
    this.see();
    this.requestUpdate();
    const composer = this.querySelector("kl-composer");
    composer?.requestUpdate();
    this.dispatchEvent(new Event("change"));
  }

  /** New messages are for the newest alone; what is removed or changed is so at any time. */
  take(deltas) {
    this.replay?.learn(deltas);
    this.list.take(this.elsewhere ? deltas.filter(({ kind }) => kind !== "message") : deltas);
  }

  came(messages, { silent }) {
    if (!silent) this.speak(messages);
    this.see();
    if (this.store.signals.small) this.requestUpdate(); // nobody has read the new ones yet
  }

  /** Others hear how far this page was read. */
  see() {
    if (document.hidden || this.elsewhere || !this.list.following) return;
    const message = this.store.signals.small ? this.list.last : null;
    if (message) this.store.signals.see(message.id);
  }

  view() {
    const { you } = this.store;
    const live = !this.replaying;
    return {
      me: you.account_id, mayWrite: live && you.may_write, blocked,
      find: (messageId) => this.list.known.get(messageId) ?? null,
      stamp: live ? undefined : (message) => clock(message.media_ms) || "0:00",
    };
  }

  mediaMs() {
    const video = this.video?.();
    return video && Number.isFinite(video.duration) ? Math.round(video.currentTime * 1000) : null;
  }

  async stopSearch() {
    this.searching = false;
    await this.updateComplete;
    this.querySelector("header [aria-label=Search]").focus();
  }

  /** To a message's time in the film. */
  seek(atMs) {
    const video = this.video?.();
    if (video) video.currentTime = atMs / 1000;
  }

  reply(message) {
    this.querySelector("kl-composer").reply(message);
  }

  startEdit(message) {
    this.querySelector("kl-composer").startEdit(message);
  }

  rewrite(text) {
    this.querySelector("kl-composer").fill(text);
  }

  redraw() {
    this.list.redraw();
  }

  render() {
    const { store, list } = this;
    const settings = store?.settings;
    return html`
      <section class="chat panel ${this.video ? "beside-film" : ""}" aria-labelledby="chat-title">
        ${header(this)}
        ${settings?.topic && !this.replaying ? html`<p class="topic">${settings.topic}</p>` : nothing}
        ${pins(this)}
        ${state(this)}
        ${this.searching ? html`<kl-chat-search .roomId=${this.roomId} .film=${Boolean(this.video)} @found=${({ detail }) => go(this, detail)} @seek=${({ detail }) => this.seek(detail)} @done=${() => this.stopSearch()}></kl-chat-search>` : nothing}
        <div class="scroller" tabindex="0" role="region" aria-label="Messages" ?hidden=${this.searching} @click=${(event) => clickedRow(event, this)} @keydown=${(event) => pressedRow(event, this)}>
          ${list?.oldest && !this.replaying && !this.begun && !list.full ? html`<button class="button small plain earlier" type="button" ?disabled=${this.reading} @click=${() => earlier(this)}>${this.reading ? "Reading…" : "Show earlier messages"}</button>` : nothing}
          <ol class="rows"></ol>
          ${empty(this)}
          ${seen(this)}
          ${store && !this.replaying ? outboxView(store, this) : nothing}
        </div>
        ${list && !this.searching && (this.away || !list.following) ? html`<button class="button small newest" type="button" @click=${() => toNewest(this)}>${icon("arrow-down")}${list.unseen ? count(list.unseen, "new message") : "To the newest"}</button>` : nothing}
        <div class="spoken visually-hidden" role="status" aria-live="polite"></div>
        ${this.replaying ? html`<p class="hindrance">What was said while the film ran. <button class="button small plain" type="button" @click=${() => turn(this, false)}>Join the live chat</button></p>` : html`
          <p class="typing faint" aria-hidden="true">${typingLine(store)}</p>
          ${store ? html`<kl-composer .store=${store} .mediaMs=${() => this.mediaMs()} @sent=${() => toNewest(this)}></kl-composer>` : nothing}`}
      </section>`;
  }
}

customElements.define("kl-chat", ChatPanel);
