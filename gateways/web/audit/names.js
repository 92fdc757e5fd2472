// Names of the accounts that the audit speaks of; those who are gone are called by a short id.
import { shortId } from "shared/format.js";

const FIXED = { administrator: "The administrator's key", kinolog: "Kinolog itself" };

/** Pages of the audit bring the names that they need. */
export class Names {
  #known = new Map();
  #told = false;

  of(id) {
    return FIXED[id] ?? this.#known.get(id) ?? (this.#told && id ? `erased ${shortId(id)}` : shortId(id));
  }

  learn(names) {
    this.#told = true;
    for (const [id, name] of Object.entries(names)) this.#known.set(id, name);
  }
}
