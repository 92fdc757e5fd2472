// What passes in a room and is kept nowhere: who is there, who is writing, who has read how far.
import { Typists } from "./typists.js";

const TYPE_EVERY_MS = 2500;
const READ_EVERY_MS = 2000;

/** `say(document)` writes into the room; `may()` tells whether we may; `onFade()` is called when somebody stopped writing. */
export class Signals {
  presence = null; // {count, accounts: [{id, name}], or null where there are many}
  livestream = false; // so large a room that nobody is told who writes and reads
  marks = new Map(); // account id -> id of the newest item that they have read
  #typedAtMs = 0;
  #readAtMs = 0;
  #seen = -1;
  #told = -1;
  #timer = 0;

  constructor({ say, may, onFade }) {
    Object.assign(this, { say, may });
    this.typists = new Typists(onFade);
  }

  /** Few enough to be called by name. */
  get small() {
    return Boolean(this.presence?.accounts) && !this.livestream;
  }

  /** We came in, or came back: others may have read on meanwhile, and will say so. */
  begin({ presence, livestream }) {
    [this.presence, this.livestream, this.#told] = [presence, livestream, -1];
    this.marks.clear();
    this.#tell();
  }

  here(presence) {
    if (presence.count > (this.presence?.count ?? 0)) this.#told = -1; // who has just come does not know what we read
    this.presence = presence;
    this.#tell();
  }

  large(on) {
    this.livestream = on;
    if (on) this.marks.clear();
  }

  read(marks) {
    for (const [accountId, id] of Object.entries(marks)) this.marks.set(accountId, Math.max(id, this.marks.get(accountId) ?? -1));
  }

  type() {
    if (this.livestream || Date.now() - this.#typedAtMs < TYPE_EVERY_MS) return;
    this.#typedAtMs = Date.now();
    this.say({ type: "typing" });
  }

  /** A message was sent: the next letter is news again. */
  wrote() {
    this.#typedAtMs = 0;
  }

  /** We have read up to the item `id`; others are told, the newest alone. */
  see(id) {
    this.#seen = Math.max(this.#seen, id);
    this.#tell();
  }

  /** Account ids of those who have read `message`, but for its author and `me`. */
  readersOf(message, me) {
    return [...this.marks].filter(([accountId, id]) => id >= message.id && accountId !== me && accountId !== message.author.id).map(([accountId]) => accountId);
  }

  end() {
    clearTimeout(this.#timer);
    this.typists.clear();
  }

  #tell() {
    if (this.#timer || !this.small || this.#seen <= this.#told || !this.may()) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (!this.small || !this.may()) return;
      [this.#told, this.#readAtMs] = [this.#seen, Date.now()];
      this.say({ type: "read", id: this.#seen });
    }, Math.max(0, this.#readAtMs + READ_EVERY_MS - Date.now()));
  }
}
