// Who is writing just now: names that fade when no further sign comes.

const STAYS_MS = 4000;

/** `onFade()` is called when somebody stopped. */
export class Typists {
  #until = new Map(); // account id -> {name, untilMs}

  constructor(onFade) {
    this.onFade = onFade;
  }

  get names() {
    return [...this.#until.values()].map(({ name }) => name);
  }

  heard(accounts, me) {
    for (const { id, name } of accounts) {
      if (id !== me && name) this.#until.set(id, { name, untilMs: Date.now() + STAYS_MS });
    }
    this.#wait();
  }

  /** Returns whether they were writing. */
  wrote(accountId) {
    return this.#until.delete(accountId);
  }

  clear() {
    clearTimeout(this.timer);
    this.#until.clear();
  }

  #wait() {
    clearTimeout(this.timer);
    if (this.#until.size) this.timer = setTimeout(() => this.#fade(), STAYS_MS);
  }

  #fade() {
    for (const [id, { untilMs }] of this.#until) if (untilMs <= Date.now()) this.#until.delete(id);
    this.#wait();
    this.onFade();
  }
}
