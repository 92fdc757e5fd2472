// What goes wrong in several panels at once is said once, on top of the page.

const MANY = 3;

class Troubles extends EventTarget {
  #problems = new Map();

  /** The panel's problem; null: it has none. */
  tell(panel, problem) {
    const before = this.shared;
    if (problem) this.#problems.set(panel, problem);
    else this.#problems.delete(panel);
    if (before !== this.shared) this.dispatchEvent(new Event("change"));
  }

  /** The problem that several panels have, the one that was there first; null if there is none. */
  get shared() {
    const all = [...this.#problems.values()];
    return all.find((one) => all.filter((other) => alike(one, other)).length >= MANY) ?? null;
  }

  /** Whether it is said on top already. */
  isShared(problem) {
    return this.shared !== null && alike(problem, this.shared);
  }
}

const alike = (one, other) => one.status === other.status && one.message === other.message;

export const troubles = new Troubles();
