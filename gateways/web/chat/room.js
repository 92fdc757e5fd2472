// A room as this page knows it: what the socket says of it, what was written here and is on its way.
import { chat } from "./api.js";
import { Outbox } from "./outbox.js";
import { learn, unknownRoom } from "./news.js";
import { Typists } from "./typists.js";

const AGAIN_MS = 1200;
const TYPE_EVERY_MS = 2500;

/**
 * Fires "change" whenever something beside the messages is different. `sink` (a MessageList) gets the messages.
 * Times of sanctions and of slow mode are milliseconds since 1970.
 */
export class RoomStore extends EventTarget {
  state = "connecting"; // open, connecting, waiting, refused
  problem = null;
  settings = null;
  you = { account_id: null, moderator: false, may_write: false };
  pinned = [];
  presence = null;
  typists = new Typists(() => this.#changed());
  notice = "";
  desk = null; // called with what the room says to its moderators
  mutedUntilMs = 0; // Infinity: until somebody lifts it
  readyAtMs = 0; // slow mode: not before
  outbox = new Outbox();
  people = new Map(); // account id -> name, of those who wrote here lately
  reactions = {};
  #epoch = null;
  #last = -1;
  #atDesk = false;
  #mine = new Set(); // message ids of ours that the room has shown
  #typedAtMs = 0;
  #listening = new AbortController();

  constructor(roomId, socket, sink) {
    super();
    Object.assign(this, { roomId, socket, sink });
    const { signal } = this.#listening;
    socket.addEventListener("state", () => this.#linkChanged(), { signal });
    socket.addEventListener("message", ({ detail }) => detail.room === roomId && this.#hear(detail), { signal });
    this.#linkChanged();
  }

  end() {
    this.#listening.abort();
    clearTimeout(this.timer);
    this.typists.clear();
    this.socket.say({ type: "unsubscribe", room: this.roomId });
  }

  send({ text, reply_to = null, media_ms = null, mentions = [] }) {
    const entry = { client_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, text, reply_to, media_ms, mentions };
    this.outbox.add(entry);
    if (this.settings?.slow_mode_s && !this.you.moderator) this.readyAtMs = Date.now() + this.settings.slow_mode_s * 1000;
    this.#typedAtMs = 0;
    this.#submit(entry);
    this.#changed();
  }

  edit(messageId, text, mentions = []) {
    return this.socket.say({ type: "edit", room: this.roomId, message_id: messageId, text, mentions });
  }

  react(reaction, messageId = null) {
    this.socket.say({ type: "react", room: this.roomId, reaction, ...(messageId ? { message_id: messageId } : {}) });
  }

  type() {
    if (Date.now() - this.#typedAtMs < TYPE_EVERY_MS) return;
    this.#typedAtMs = Date.now();
    this.socket.say({ type: "typing", room: this.roomId });
  }

  dismiss(clientId) {
    this.outbox.drop(clientId);
    this.#changed();
  }

  #linkChanged() {
    const { state } = this.socket;
    if (state === "open") this.#subscribe();
    else [this.state, this.problem] = [state, this.socket.problem];
    this.#changed();
  }

  #subscribe() {
    const since = this.#epoch === null ? undefined : { epoch: this.#epoch, id: this.#last };
    this.socket.say({ type: "subscribe", room: this.roomId, since, desk: this.#atDesk });
  }

  #submit({ client_id, text, reply_to, media_ms, mentions }) {
    if (this.state === "open") this.socket.say({ type: "send", room: this.roomId, client_id, text, reply_to, media_ms, mentions });
  }

  #hear(said) {
    const handle = {
      subscribed: () => this.#subscribed(said),
      batch: () => this.#take(said.items),
      sent: () => this.#answered({ ...said, shown: this.#mine.has(said.message_id) }),
      edited: () => said.state === "held" && this.tell("Your change waits for a moderator."),
      refused: () => this.#refused(said),
      gap: () => this.#subscribe(), // the gateway lost a part itself: it says so once more, with what there is
      moved: () => this.#subscribe(),
      presence: () => (this.presence = said.count),
      left: () => this.#left(),
      typing: () => this.typists.heard(said.accounts, this.you.account_id),
      notice: () => this.tell(said.on === false ? "" : said.detail),
      desk: () => this.desk?.(said),
    }[said.type];
    handle?.();
    this.#changed();
  }

  #subscribed(said) {
    const known = this.#epoch !== null;
    const newest = this.sink.newest;
    [this.state, this.problem] = ["open", null];
    if (said.you.account_id !== this.you.account_id) [this.mutedUntilMs, this.readyAtMs] = [0, 0];
    [this.settings, this.you, this.presence] = [said.settings, said.you, said.presence?.count ?? null];
    this.reactions = said.reacted ?? {};
    this.#readPins(said.pinned);
    [this.#epoch, this.#last] = [said.epoch, said.id];
    if (said.recovered) this.#take(said.items);
    else {
      const missed = known && newest !== null && !said.items.some((item) => item.message_id === newest);
      this.sink.reset([]);
      this.#take(said.items);
      if (missed) this.sink.missed();
    }
    this.#last = Math.max(this.#last, said.id);
    this.outbox.waiting.forEach((entry) => this.#submit(entry));
    if (!this.desk || !this.you.moderator) return;
    if (this.#atDesk) this.desk({ reload: true }); // what came onto the desk before we listened to it
    else {
      this.#atDesk = true;
      this.#subscribe();
    }
  }

  async #readPins(messageIds) {
    this.pinned = messageIds.map((messageId) => ({ message_id: messageId }));
    if (!messageIds.length) return;
    const { items } = await chat.pins(this.roomId).catch(() => ({ items: [] })); // the others are shown where they are
    if (items.length) this.pinned = items;
    this.#changed();
  }

  #left() {
    [this.state, this.problem] = ["refused", unknownRoom()];
    this.sink.reset([]);
  }

  #take(items) {
    for (const item of items) {
      this.#last = Math.max(this.#last, item.id);
      if (item.kind === "message") this.#wrote(item);
      else learn(this, item);
    }
    this.sink.take(items);
  }

  #wrote(message) {
    const { id, name } = message.author;
    if (name) this.people.set(id, name);
    this.typists.wrote(id);
    if (id !== this.you.account_id) return;
    this.#mine.add(message.message_id);
    this.outbox.shown(message);
  }

  #answered(answer) {
    if (this.outbox.answered(answer) === "again") {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.outbox.waiting.forEach((entry) => this.#submit(entry)), answer.retry_after_ms ?? AGAIN_MS);
    }
  }

  #refused(answer) {
    if (answer.client_id) {
      if (answer.code === "slow_mode") this.readyAtMs = Date.now() + (answer.retry_after_ms ?? this.settings.slow_mode_s * 1000);
      this.#answered(answer);
    } else if (answer.code === "room_unknown") [this.state, this.problem] = ["refused", unknownRoom()];
    else if (answer.code === "unavailable") setTimeout(() => this.#subscribe(), AGAIN_MS);
    else if (answer.code !== "unknown_type") this.tell(answer.detail);
  }

  /** Shows a sentence above the messages; an empty one takes it away. */
  tell(text) {
    this.notice = text;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
