// The accounts that were read so far. A search reads on until all are there: addresses stand sealed in the stores,
// so only here, where they are open, can anybody look for one.
import { identity } from "shared/identity-api.js";

const PAGE = 50;
const SEARCH_PAGE = 200;

/** Fires "change". `state`: "loading", "ready", "error" (see `problem`); `reading`: more is on its way. */
export class UsersStore extends EventTarget {
  users = [];
  state = "loading";
  problem = null;
  cursor = null;
  reading = false;

  async load() {
    [this.users, this.cursor, this.state] = [[], null, "loading"];
    await this.more();
  }

  async more(size = PAGE) {
    if (this.reading) return;
    this.reading = true;
    this.#changed();
    try {
      const page = await identity.users(this.cursor, size);
      const known = new Set(this.users.map((user) => user.id));
      this.users = [...this.users, ...page.items.filter((user) => !known.has(user.id))];
      [this.cursor, this.state, this.problem] = [page.next_cursor, "ready", null];
    } catch (problem) {
      [this.state, this.problem] = [this.users.length ? "ready" : "error", problem];
    }
    this.reading = false;
    this.#changed();
  }

  /** Reads on while `wanted()` says so. */
  async readOn(wanted) {
    while (this.cursor && !this.problem && wanted()) await this.more(SEARCH_PAGE);
  }

  found(text, state) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return this.users.filter((user) => {
      const said = [user.display_name, user.email, user.id, ...user.roles].join(" ").toLowerCase();
      return (!state || user.state === state) && words.every((word) => said.includes(word));
    });
  }

  put(user) {
    this.users = this.users.some((one) => one.id === user.id) ? this.users.map((one) => (one.id === user.id ? user : one)) : [user, ...this.users];
    this.#changed();
  }

  forget(id) {
    this.users = this.users.filter((user) => user.id !== id);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
