// A room as this page knows it: what the socket says of it, what was written here and is on its way.
import { toast } from "shared/announce.js";
import { Outbox } from "./outbox.js";
import { answers, learn, readPins, recall, unknownRoom } from "./news.js";
import { Signals } from "./signals.js";

const AGAIN_MS = 1200;
const NOBODY = { account_id: null, moderator: false, may_write: false, member: null };

/**
 * Fires "change" whenever something beside the messages is different. `sink` (a MessageList) gets the messages.
 * Times of sanctions and of slow mode are milliseconds since 1970.
 */
export class RoomStore extends EventTarget {
  state = "connecting"; // open, connecting, waiting, refused
  problem = null;
  settings = null;
  you = NOBODY;
  sanction = null; // {kind, until_ms, reason}: why we may not write
  pinned = [];
  signals = new Signals({
    say: (said) => this.#say(said), may: () => this.state === "open" && this.you.may_write, onFade: () => this.#changed(),
  });
  notice = "";
  desk = null; // called with what the room says to its moderators
  readyAtMs = 0; // slow mode: not before
  outbox = new Outbox();
  people = new Map(); // account id -> name, of those who wrote here lately
  reactions = {};
  #epoch = null;
  #last = -1;
  #atDesk = false;
  #mine = new Set(); // message ids of ours that the room has shown
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
    this.signals.end();
    this.#say({ type: "unsubscribe" });
  }

  send({ text, reply_to = null, media_ms = null, mentions = [] }) {
    const entry = { client_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, text, reply_to, media_ms, mentions };
    this.outbox.add(entry);
    if (this.settings?.slow_mode_s && !this.you.moderator) this.readyAtMs = Date.now() + this.settings.slow_mode_s * 1000;
    this.signals.wrote();
    this.#submit(entry);
    this.#changed();
  }

  edit(messageId, text, mentions = []) {
    return this.#say({ type: "edit", message_id: messageId, text, mentions });
  }

  react(reaction, messageId = null) {
    this.#say({ type: "react", reaction, ...(messageId ? { message_id: messageId } : {}) });
  }

  dismiss(clientId) {
    this.outbox.drop(clientId);
    this.#changed();
  }

  /** Some of the fields above are different now. */
  become(change) {
    Object.assign(this, change);
    this.#changed();
  }

  /** Shows a sentence above the messages; an empty one takes it away. */
  tell(notice) {
    this.become({ notice });
  }

  #say(said) {
    return this.socket.say({ ...said, room: this.roomId });
  }

  #linkChanged() {
    const { state } = this.socket;
    if (state === "open") this.#subscribe();
    else [this.state, this.problem] = [state, this.socket.problem];
    this.#changed();
  }

  #subscribe() {
    const since = this.#epoch === null ? undefined : { epoch: this.#epoch, id: this.#last };
    this.#say({ type: "subscribe", since, desk: this.#atDesk });
  }

  #submit({ client_id, text, reply_to, media_ms, mentions }) {
    if (this.state === "open") this.#say({ type: "send", client_id, text, reply_to, media_ms, mentions });
  }

  #hear(said) {
    if (said.type === "batch") {
      if (this.#take(said.items)) this.#changed();
      return;
    }
    const handle = {
      subscribed: () => this.#subscribed(said),
      sent: () => this.#answered({ ...said, shown: this.#mine.has(said.message_id) }),
      refused: () => this.#refused(said),
      gap: () => this.#subscribe(), // the gateway lost a part itself: it says so once more, with what there is
      moved: () => this.#subscribe(),
      left: () => this.#shut(),
      desk: () => this.desk?.(said),
    }[said.type] ?? answers[said.type];
    handle?.(this, said);
    this.#changed();
  }

  #subscribed(said) {
    const known = this.#epoch !== null;
    const newest = this.sink.newest;
    [this.state, this.problem] = ["open", null];
    if (said.you.account_id !== this.you.account_id) this.readyAtMs = 0;
    [this.settings, this.you, this.sanction] = [said.settings, said.you, said.you.sanction ?? null];
    this.reactions = said.reacted ?? {};
    this.signals.begin(said);
    readPins(this, said.pinned);
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
    if (!known && this.you.account_id) recall(this, (messageId) => this.#mine.has(messageId));
    if (!this.desk || !this.you.moderator) return;
    if (this.#atDesk) this.desk({ reload: true }); // what came onto the desk before we listened to it
    else {
      this.#atDesk = true;
      this.#subscribe();
    }
  }

  #shut() {
    [this.state, this.problem] = ["refused", unknownRoom()];
    this.sink.reset([]);
  }

  /** Returns whether something beside the messages is different. */
  #take(items) {
    let changed = false;
    for (const item of items) {
      this.#last = Math.max(this.#last, item.id);
      if (item.kind === "message") changed = this.#wrote(item) || changed;
      else changed = learn(this, item) || changed;
    }
    this.sink.take(items);
    return changed;
  }

  #wrote(message) {
    const { id, name } = message.author;
    if (name) this.people.set(id, name);
    const stopped = this.signals.typists.wrote(id);
    if (id !== this.you.account_id) return stopped;
    this.#mine.add(message.message_id);
    if (this.outbox.shown(message)?.state === "held") toast("A moderator let your message through");
    return true;
  }

  #answered(answer) {
    if (this.outbox.answered(answer) === "again") {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.outbox.waiting.forEach((entry) => this.#submit(entry)), AGAIN_MS);
    }
  }

  #refused(answer) {
    if (answer.client_id) {
      if (answer.code === "slow_mode") this.readyAtMs = Date.now() + this.settings.slow_mode_s * 1000;
      this.#answered(answer);
    } else if (answer.code === "room_unknown") [this.state, this.problem] = ["refused", unknownRoom()];
    else if (answer.code === "unavailable") setTimeout(() => this.#subscribe(), AGAIN_MS);
    else if (answer.code !== "unknown_type") this.tell(answer.detail);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
