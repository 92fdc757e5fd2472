// The log of one asset in this tab: read page by page, then followed as it grows. Each event once, in order.
import { api } from "shared/api.js";
import { live } from "shared/live.js";

const byTime = (a, b) => a.at_ms - b.at_ms || (a.topic === b.topic && a.partition === b.partition ? a.offset - b.offset : 0);

/** Fires "change". `state`: "loading", "ready", "error" (see `problem`); `link`: "open" or "waiting". */
export class LogStore extends EventTarget {
  entries = [];
  byId = new Map();
  state = "loading";
  link = "waiting";
  problem = null;
  #after = "";
  #frame = 0;
  #end = () => {};

  constructor(assetId) {
    super();
    this.assetId = assetId;
  }

  async start() {
    this.state = this.entries.length ? "ready" : "loading";
    this.#changed();
    try {
      await this.#readOn();
      [this.state, this.problem] = ["ready", null];
      this.#follow();
    } catch (error) {
      [this.state, this.problem] = ["error", error];
    }
    this.#changed();
  }

  stop() {
    this.#end();
  }

  /** Entries caused by `id`, oldest first. */
  effects(id) {
    return this.entries.filter((entry) => entry.causation_id === id);
  }

  add(entries) {
    const fresh = entries.filter((entry) => !this.byId.has(entry.id));
    if (!fresh.length) return;
    for (const entry of fresh) this.byId.set(entry.id, entry);
    this.entries = [...this.entries, ...fresh].sort(byTime);
  }

  async #readOn() {
    for (;;) {
      const page = await api.log(this.assetId, this.#after);
      this.add(page.items);
      this.#changed();
      const following = page.next_cursor;
      if (!following || following === this.#after) return;
      this.#after = following;
      if (!page.items.length) return;
    }
  }

  #follow() {
    this.#end();
    this.#end = live(() => api.logStreamPath(this.assetId, this.#after), {
      entry: (entry, position) => {
        if (position) this.#after = position;
        this.add([entry]);
        this.#changed();
      },
    }, {
      onState: (link) => {
        const again = link === "open" && this.link === "waiting";
        this.link = link;
        if (again) this.#readOn().catch(() => {}); // what came between reading and following
        this.#changed();
      },
    });
  }

  /** At most one "change" a frame: thousands of events may arrive at once. */
  #changed() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.dispatchEvent(new Event("change"));
    });
  }
}
