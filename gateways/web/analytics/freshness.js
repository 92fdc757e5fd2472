// How old the numbers of this page are: as old as the oldest that it shows.

class Freshness extends EventTarget {
  #answers = new Map();

  /** `of` shows an answer that was found at `asOfMs`; null: it shows none. */
  tell(of, asOfMs) {
    if (asOfMs) this.#answers.set(of, asOfMs);
    else this.#answers.delete(of);
    this.dispatchEvent(new Event("change"));
  }

  /** Milliseconds since 1970; null while nothing is shown. */
  get asOfMs() {
    return this.#answers.size ? Math.min(...this.#answers.values()) : null;
  }
}

export const freshness = new Freshness();
