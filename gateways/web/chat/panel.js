// The chat of one room: its messages, live or in the film's time, and the place to write.
import { Part, html, nothing } from "shared/element.js";
import { clock, count } from "shared/format.js";
import { icon } from "shared/parts.js";
import { rights } from "shared/rights.js";
import { menuOf } from "./actions.js";
import { chat, socketUrl } from "./api.js";
import { blocked } from "./blocks.js";
import "./composer.js";
import { MessageList } from "./list.js";
import { outboxView } from "./outbox-view.js";
import { empty, header, pins, state, typingLine } from "./panel-parts.js";
import { readout } from "./readout.js";
import { Replay } from "./replay.js";
import { RoomStore } from "./room.js";
import { ChatSocket } from "./socket.js";

/** `roomId`; `video` (optional): a function that gives the <video>, for the film's time and the replay. */
class ChatPanel extends Part {
  static properties = { roomId: {}, heading: {}, video: { attribute: false }, replaying: { state: true } };

  constructor() {
    super();
    this.replaying = false;
    this.onRights = () => this.list?.redraw();
  }

  firstUpdated() {
    this.list = new MessageList({
      scroller: this.querySelector(".scroller"), rows: this.querySelector(".rows"),
      view: () => this.view(), onChange: () => this.requestUpdate(), onFresh: readout(() => this.querySelector(".spoken")),
    });
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
    this.store?.end();
    this.replay?.end();
    this.socket?.end();
  }

  join() {
    const sink = {
      take: (deltas) => !this.replaying && this.list.take(deltas),
      reset: (messages) => !this.replaying && this.list.reset(messages),
      missed: () => !this.replaying && this.list.missed(),
    };
    const { list } = this;
    Object.defineProperty(sink, "newest", { get: () => (this.replaying ? null : list.newest) });
    this.store = new RoomStore(this.roomId, this.socket, sink);
    this.store.addEventListener("change", () => this.changed());
    this.changed();
  }

  changed() {
    const { you } = this.store;
    const now = `${you.account_id} ${you.moderator} ${you.may_write}`;
    if (now !== this.drawnFor) this.list.redraw();
    this.drawnFor = now;
    this.requestUpdate();
    const composer = this.querySelector("kl-composer");
    composer?.requestUpdate();
    this.dispatchEvent(new Event("change"));
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

  /** Live, or in the film's time. */
  turn(replaying) {
    if (replaying === this.replaying) return;
    this.replay?.end();
    this.replay = null;
    this.replaying = replaying;
    this.list.reset([]);
    if (replaying) {
      this.replay = new Replay(this.roomId, this.video, this.list);
      this.replay.addEventListener("change", () => this.requestUpdate());
    } else {
      const { outbox } = this.store;
      this.store.end();
      this.join();
      this.store.outbox = outbox;
    }
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

  async earlier() {
    const first = this.list.oldest;
    this.reading = true;
    this.requestUpdate();
    try {
      const { items } = await chat.messages(this.roomId, { before: first?.id });
      this.list.prepend(items.map((item) => ({ kind: "message", ...item })).toSorted((one, other) => one.id - other.id));
      this.begun = items.length === 0;
      this.trouble = null;
    } catch (problem) {
      this.trouble = problem;
    }
    this.reading = false;
    this.requestUpdate();
  }

  clicked(event) {
    const item = event.target.closest("li[data-message]");
    if (!item) return;
    if (event.target.closest(".more")) menuOf(event.target.closest(".more"), item.message, this.store, this);
    const reaction = event.target.closest(".reaction");
    if (reaction) this.store.react(reaction.dataset.reaction, item.message.message_id);
  }

  pressed(event) {
    const items = [...this.querySelectorAll(".rows li[data-message]")];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at < 0 ? items.length - 1 : at + 1, ArrowUp: at < 0 ? items.length - 1 : at - 1, End: items.length - 1, Home: 0 }[event.key];
    if (to !== undefined && items[to]) {
      event.preventDefault();
      items[to].focus();
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      menuOf(items[at].querySelector(".more") ?? items[at], items[at].message, this.store, this);
    }
  }

  render() {
    const { store, list } = this;
    const settings = store?.settings;
    return html`
      <section class="chat panel" aria-labelledby="chat-title">
        ${header(this)}
        ${settings?.topic && !this.replaying ? html`<p class="topic">${settings.topic}</p>` : nothing}
        ${pins(this)}
        ${state(this)}
        <div class="scroller" tabindex="0" role="region" aria-label="Messages" @click=${this.clicked} @keydown=${this.pressed}>
          ${list?.oldest && !this.replaying && !this.begun && !list.full ? html`<button class="button small plain earlier" type="button" ?disabled=${this.reading} @click=${this.earlier}>${this.reading ? "Reading…" : "Show earlier messages"}</button>` : nothing}
          <ol class="rows"></ol>
          ${empty(this)}
          ${store && !this.replaying ? outboxView(store, this) : nothing}
        </div>
        ${list && !list.following ? html`<button class="button small newest" type="button" @click=${() => list.toNewest()}>${icon("arrow-down")}${list.unseen ? count(list.unseen, "new message") : "To the newest"}</button>` : nothing}
        <div class="spoken visually-hidden" role="status" aria-live="polite"></div>
        ${this.replaying ? html`<p class="hindrance">What was said while the film ran. <button class="button small plain" type="button" @click=${() => this.turn(false)}>Join the live chat</button></p>` : html`
          <p class="typing faint" aria-hidden="true">${typingLine(store)}</p>
          ${store ? html`<kl-composer .store=${store} .mediaMs=${() => this.mediaMs()} @sent=${() => list.toNewest()}></kl-composer>` : nothing}`}
      </section>`;
  }
}

customElements.define("kl-chat", ChatPanel);
