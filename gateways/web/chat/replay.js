// A film's chat by the film's time: what was said up to here, in sync with the player, seeks and speed included.
import { chat } from "./api.js";

const WINDOW_MS = 30_000;
const PREFETCH_MS = 10_000; // before a window ends the next one is asked for; more at a higher speed
const BEFORE_MS = 60_000; // after a seek: what was said in the minute before stands there
const MOST_WINDOWS = 40;
const TROUBLE_MS = 3000;

/** The windows that must be there at `atMs`, at `rate` times the speed. Pure. */
export function windowsAt(atMs, rate = 1) {
  const first = Math.floor(Math.max(0, atMs - BEFORE_MS) / WINDOW_MS);
  const last = Math.floor((atMs + PREFETCH_MS * Math.max(1, rate)) / WINDOW_MS);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Messages with `fromMs < media_ms <= toMs`, in the film's order. Pure. */
export const between = (messages, fromMs, toMs) =>
  messages.filter((message) => message.media_ms > fromMs && message.media_ms <= toMs);

/**
 * Fires "change" with `problem` and `loading`. Writes into `sink` as a room's store does, driven by frames of
 * `video()` while it plays and by its seeks.
 */
export class Replay extends EventTarget {
  problem = null;
  loading = true;
  #windows = new Map(); // number -> messages; null: they are on their way
  #shownMs = null;
  #ended = false;
  #frame = 0;

  constructor(roomId, video, sink) {
    super();
    Object.assign(this, { roomId, video, sink });
    this.tick = this.tick.bind(this);
    this.tick();
  }

  end() {
    this.#ended = true;
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.retry);
  }

  tick() {
    if (this.#ended) return;
    this.#frame = requestAnimationFrame(this.tick);
    const video = this.video();
    if (video) this.to(video.currentTime * 1000, video.playbackRate);
  }

  /** The film is at `atMs` now. */
  to(atMs, rate = 1) {
    if (this.#shownMs !== null && atMs === this.#shownMs) return;
    const needed = windowsAt(atMs, rate);
    for (const number of needed) this.#bring(number);
    const here = needed.filter((number) => number * WINDOW_MS <= atMs);
    if (!here.every((number) => Array.isArray(this.#windows.get(number)))) return; // waits: nothing is left out
    const messages = here.flatMap((number) => this.#windows.get(number));
    const jumped = this.#shownMs === null || atMs < this.#shownMs || atMs - this.#shownMs > BEFORE_MS / 2;
    if (jumped) this.sink.reset([]);
    const fresh = between(messages, jumped ? atMs - BEFORE_MS : this.#shownMs, atMs);
    this.#shownMs = atMs;
    if (fresh.length) this.sink.take(fresh);
    if (this.loading) {
      this.loading = false;
      this.dispatchEvent(new Event("change"));
    }
  }

  async #bring(number) {
    if (this.#windows.has(number) || this.problem) return;
    this.#windows.set(number, null);
    try {
      const items = await this.#read(number * WINDOW_MS);
      this.#windows.set(number, items.toSorted((one, other) => one.media_ms - other.media_ms || one.id - other.id).map((item) => ({ kind: "message", ...item })));
      while (this.#windows.size > MOST_WINDOWS) this.#windows.delete(this.#windows.keys().next().value);
    } catch (problem) {
      this.#windows.delete(number);
      this.problem = problem;
      this.dispatchEvent(new Event("change"));
      this.retry = setTimeout(() => this.again(), TROUBLE_MS);
    }
  }

  async #read(fromMs) {
    const items = new Map();
    for (let nextMs = fromMs; nextMs !== null && !this.#ended; ) {
      const page = await chat.replay(this.roomId, nextMs, fromMs + WINDOW_MS);
      for (const item of page.items) items.set(item.message_id, item);
      nextMs = page.next_from_ms;
    }
    return [...items.values()];
  }

  /** What was removed since it was read does not come back with a seek. */
  learn(deltas) {
    for (const { kind, message_ids: ids, account_id: accountId, account_ids: erased, id } of deltas) {
      const gone = {
        removed: (message) => ids.includes(message.message_id),
        purged: (message) => message.author.id === accountId && message.id < id,
        erased: (message) => erased.includes(message.author.id),
      }[kind];
      if (!gone) continue;
      for (const [number, messages] of this.#windows) if (messages) this.#windows.set(number, messages.filter((message) => !gone(message)));
    }
  }

  /** Ask once more for what could not be read. */
  again() {
    clearTimeout(this.retry);
    this.problem = null;
    this.dispatchEvent(new Event("change"));
  }
}
