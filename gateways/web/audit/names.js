// Names of the accounts that the audit speaks of; those who are gone are called by a short id.
import { identity } from "shared/identity-api.js";
import { shortId } from "shared/format.js";
import { personOf } from "shared/words.js";

const FIXED = { administrator: "The administrator's key", kinolog: "Kinolog itself" };
const AT_ONCE = 4;

/** Fires "change" when names have arrived. */
export class Names extends EventTarget {
  #known = new Map();
  #waiting = [];
  #running = 0;

  of(id) {
    return FIXED[id] ?? this.#known.get(id) ?? shortId(id ?? "");
  }

  want(ids) {
    for (const id of new Set(ids)) {
      if (!id || FIXED[id] || this.#known.has(id)) continue;
      this.#known.set(id, shortId(id));
      this.#waiting.push(id);
    }
    while (this.#running < AT_ONCE && this.#waiting.length) this.#read(this.#waiting.shift());
  }

  async #read(id) {
    this.#running += 1;
    const name = await identity.user(id).then(personOf, () => `erased ${shortId(id)}`);
    this.#known.set(id, name);
    this.#running -= 1;
    this.dispatchEvent(new Event("change"));
    this.want([]);
  }
}
