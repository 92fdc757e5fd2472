// The messages on the page: at most SHOWN rows, whatever comes; written once a frame.
import { fold } from "./fold.js";
import { atNextFrame } from "./next-frame.js";
import { drawRow } from "./row.js";

export const SHOWN = 200;
const MOST_READ_BACK = 400; // rows while somebody reads back
const NEAR_PX = 48;

/**
 * Writes into `scroller`, which holds `rows` (an <ol>). `view()` gives what a row needs to know beside its message;
 * `onChange()` is called when `unseen` or `following` is different. While somebody reads back nothing moves: new
 * messages wait, the newest SHOWN of them.
 */
export class MessageList {
  known = new Map(); // message_id -> message, of rows and of those that wait
  unseen = 0;
  following = true;
  #items = new Map(); // message_id -> <li>
  #queue = [];
  #waiting = [];
  #cancel = null; // of the next flush, if one is due
  #top = 0;
  #silent = true;
  #told = "";

  constructor({ scroller, rows, view, onChange, onFresh }) {
    Object.assign(this, { scroller, rows, view, onChange, onFresh: onFresh ?? (() => {}) });
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.settle()).observe(scroller);
    document.addEventListener("visibilitychange", () => !document.hidden && this.#flush());
  }

  get newest() {
    return [...this.known.keys()].at(-1) ?? null;
  }

  /** The newest message that has a row. */
  get last() {
    return this.rows.lastElementChild?.message ?? null;
  }

  get oldest() {
    return this.rows.querySelector("li[data-message]")?.message ?? null;
  }

  /** Everything anew: what stood here before may have been removed meanwhile. */
  reset(messages) {
    this.known.clear();
    this.#items.clear();
    [this.#queue, this.#waiting] = [[], []];
    this.rows.replaceChildren();
    [this.unseen, this.following, this.#silent] = [0, true, true];
    if (messages.length) this.take(messages);
    this.onChange();
  }

  take(deltas) {
    this.#queue.push(...deltas);
    this.#cancel ??= atNextFrame(() => this.#flush());
  }

  /** Says above all rows that there is a hole. */
  missed() {
    this.#flush();
    this.rows.prepend(Object.assign(document.createElement("li"), { className: "missed", textContent: "Some messages were missed while the connection was away." }));
  }

  /** Earlier messages, in order, above the others; the eye stays where it is. */
  prepend(messages) {
    const fresh = messages.filter((message) => !this.known.has(message.message_id)).slice(-(MOST_READ_BACK - this.#items.size));
    this.known = new Map([...fresh.map((message) => [message.message_id, message]), ...this.known]);
    const before = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.following = false;
    this.rows.querySelector(".missed")?.remove();
    this.rows.prepend(...fresh.map((message) => this.#make(message)));
    this.scroller.scrollTop = this.scroller.scrollHeight - before;
    this.onChange();
  }

  /** Messages of another time in place of all, with the eye on one of them. */
  place(messages, messageId) {
    this.reset([]);
    this.known = new Map(messages.map((message) => [message.message_id, message]));
    this.#show(messages);
    this.bring(messageId);
    this.onChange();
  }

  /** Brings a message into sight; false if it has no row. */
  bring(messageId) {
    const item = this.#items.get(messageId);
    if (!item) return false;
    const [row, shown] = [item.getBoundingClientRect(), this.scroller.getBoundingClientRect()];
    this.scroller.scrollTop += row.top - shown.top - (shown.height - row.height) / 2;
    [this.following, this.#top] = [false, this.scroller.scrollTop];
    item.focus({ preventScroll: true });
    this.#tell();
    return true;
  }

  get full() {
    return this.#items.size >= MOST_READ_BACK;
  }

  /** Back to the newest: what waited is shown. */
  toNewest() {
    this.following = true;
    this.#show(this.#waiting);
    [this.#waiting, this.unseen] = [[], 0];
    this.#toEnd();
    this.onChange();
  }

  /** Draws rows anew that may look different now: all, or those of `messageIds`. */
  redraw(messageIds = this.#items.keys()) {
    for (const messageId of messageIds) {
      const item = this.#items.get(messageId);
      if (item) this.#draw(item, this.known.get(messageId));
    }
  }

  #flush() {
    this.#cancel?.();
    this.#cancel = null;
    if (!this.#queue.length) return;
    const { fresh, changed, gone } = fold(this.known, this.#queue.splice(0));
    for (const messageId of gone) this.#remove(messageId);
    this.redraw(changed);
    this.#waiting = this.#waiting.filter((message) => this.known.get(message.message_id) === message);
    if (this.following) {
      this.#show(fresh);
      this.#toEnd();
    } else if (fresh.length) {
      this.#waiting.push(...fresh);
      for (const { message_id: old } of this.#waiting.splice(0, Math.max(0, this.#waiting.length - SHOWN))) this.known.delete(old);
      this.unseen += fresh.length;
    }
    this.onFresh(fresh, { silent: this.#silent }); // what was there before we came is no news
    this.#silent = false;
    this.#tell();
  }

  /** Says so if what stands around the rows has to look different. */
  #tell() {
    const now = `${this.following} ${this.unseen} ${this.#items.size > 0}`;
    if (now !== this.#told) this.onChange();
    this.#told = now;
  }

  #show(messages) {
    const over = Math.max(0, messages.length - SHOWN);
    for (const { message_id: old } of messages.slice(0, over)) this.known.delete(old);
    this.rows.append(...messages.slice(over).map((message) => this.#make(message)));
    while (this.#items.size > SHOWN) this.#remove(this.oldest.message_id);
    if (this.#items.size >= SHOWN) this.rows.querySelector(".missed")?.remove();
  }

  #make(message) {
    const item = document.createElement("li");
    item.dataset.message = message.message_id;
    item.tabIndex = -1;
    this.#items.set(message.message_id, item);
    this.#draw(item, message);
    return item;
  }

  #draw(item, message) {
    item.message = message;
    drawRow(item, message, this.view());
  }

  #remove(messageId) {
    this.#items.get(messageId)?.remove();
    this.#items.delete(messageId);
    this.known.delete(messageId);
  }

  /** Something below the messages has another size now. */
  settle() {
    if (this.following) this.#toEnd();
  }

  #toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const up = scrollTop < this.#top - 1; // by a person: what grows below is no reason to stop following
    this.#top = scrollTop;
    const following = scrollHeight - scrollTop - clientHeight < NEAR_PX || (this.following && !up);
    if (following === this.following) return;
    this.following = following;
    if (following && this.#waiting.length) this.toNewest();
    else this.onChange();
  }
}
