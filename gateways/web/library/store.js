// What the library shows: pages of assets from the server, kept fresh by polling and by event streams.
import { api } from "shared/api.js";
import { isWorking } from "shared/asset.js";
import { live, poll } from "shared/live.js";

const POLL_MS = 4000;
const MOST_STREAMS = 2; // six connections a host: the rest is for uploads, pictures and requests

/** Fires "change". `state` is "loading", "ready" or "error" (then `problem` says why). */
export class LibraryStore extends EventTarget {
  assets = [];
  progress = new Map();
  state = "loading";
  problem = null;
  cursor = null;
  extending = false; // the next page is on its way
  moreProblem = null; // why the next page could not be read
  query = "";
  visibility = ""; // "public": what everybody may see; "": one's own, or all
  #streams = new Map();
  #asked = 0;

  start(query) {
    this.query = query;
    this.load();
    return poll(() => this.refresh(), POLL_MS);
  }

  search(query) {
    this.query = query;
    return this.load();
  }

  show(visibility) {
    this.visibility = visibility;
    this.assets = [];
    return this.load();
  }

  async load() {
    const turn = ++this.#asked;
    this.moreProblem = null;
    if (!this.assets.length) this.state = "loading";
    this.#changed();
    try {
      const page = await api.assets({ q: this.query, visibility: this.visibility });
      if (turn !== this.#asked) return;
      this.assets = page.items;
      this.cursor = page.next_cursor ?? null;
      [this.state, this.problem] = ["ready", null];
    } catch (error) {
      if (turn !== this.#asked) return;
      [this.state, this.problem] = ["error", error];
    }
    this.#changed();
  }

  /** The next page, once however often it is asked for; what was searched for meanwhile wins over it. */
  async more() {
    if (this.extending) return;
    const turn = this.#asked;
    [this.extending, this.moreProblem] = [true, null];
    this.#changed();
    try {
      const page = await api.assets({ q: this.query, cursor: this.cursor, visibility: this.visibility });
      if (turn === this.#asked) {
        this.assets = merged(this.assets, page.items, { append: true });
        this.cursor = page.next_cursor ?? null;
      }
    } catch (error) {
      if (turn === this.#asked) this.moreProblem = error;
    }
    this.extending = false;
    this.#changed();
  }

  /** The newest page again, quietly: what is new appears, what changed changes, what is gone goes. */
  async refresh() {
    if (this.state !== "ready") return;
    const turn = this.#asked;
    const page = await api.assets({ q: this.query, visibility: this.visibility }).catch(() => null);
    if (!page || turn !== this.#asked) return;
    const fresh = new Set(page.items.map((asset) => asset.id));
    const oldest = page.items.at(-1)?.created_at_ms ?? 0;
    const beyond = page.next_cursor ? this.assets.filter((asset) => asset.created_at_ms < oldest && !fresh.has(asset.id)) : [];
    this.assets = merged(beyond, page.items);
    if (!page.next_cursor) this.cursor = null;
    this.#changed();
  }

  async include(id) {
    const asset = await api.asset(id).catch(() => null);
    if (asset) this.put(asset);
  }

  put(asset) {
    if (asset.state === "deleted") return this.forget(asset.id);
    this.assets = merged(this.assets, [asset]);
    return this.#changed();
  }

  forget(id) {
    this.assets = this.assets.filter((asset) => asset.id !== id);
    this.#changed();
  }

  #changed() {
    this.#follow();
    this.dispatchEvent(new Event("change"));
  }

  #follow() {
    const wanted = new Set(this.assets.filter(isWorking).slice(0, MOST_STREAMS).map((asset) => asset.id));
    for (const [id, end] of this.#streams) {
      if (wanted.has(id)) continue;
      end();
      this.#streams.delete(id);
    }
    for (const id of wanted) {
      if (this.#streams.has(id)) continue;
      this.#streams.set(id, live(api.eventsPath(id), {
        asset: (asset) => this.put(asset),
        progress: (progress) => {
          this.progress.set(id, progress);
          this.dispatchEvent(new Event("change"));
        },
      }));
    }
  }
}

function merged(known, incoming, { append = false } = {}) {
  const byId = new Map(known.map((asset) => [asset.id, asset]));
  for (const asset of incoming) byId.set(asset.id, asset);
  const all = [...byId.values()];
  return append ? all : all.sort((a, b) => b.created_at_ms - a.created_at_ms);
}
