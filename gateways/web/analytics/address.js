// What is looked at: time, zone, filters, measure. All of it stands in the page's address, so a link shows the same.
import { beginOf, endOf, isZone, localZone, midnight } from "./zones.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** name -> [label, when it begins, interval of its charts] */
export const RANGES = {
  "1h": ["1 hour", (now) => Math.floor(now / 60_000) * 60_000 - HOUR_MS + 60_000, "minute"],
  "24h": ["24 hours", (now) => Math.floor(now / HOUR_MS) * HOUR_MS - 23 * HOUR_MS, "hour"],
  "7d": ["7 days", (now, zone) => midnight(now, zone, 6), "hour"],
  "30d": ["30 days", (now, zone) => midnight(now, zone, 29), "day"],
  "90d": ["90 days", (now, zone) => midnight(now, zone, 89), "day"],
};
export const FILTERS = ["country", "device", "os", "browser", "player", "referrer", "source"];
const USUAL = "30d";
const DATE = /^\d{4}-\d\d-\d\d$/;

const intervalOf = (fromMs, toMs) => {
  const days = (toMs - fromMs) / DAY_MS;
  return days <= 8.5 ? "hour" : days <= 190 ? "day" : days <= 1100 ? "week" : "month";
};

/** Fires "change" when something else is looked at, "refresh" when the same shall be read anew. */
class Address extends EventTarget {
  constructor() {
    super();
    addEventListener("popstate", () => this.dispatchEvent(new Event("change")));
  }

  get #query() {
    return new URLSearchParams(location.search);
  }

  get(name) {
    return this.#query.get(name) ?? "";
  }

  get zone() {
    const named = this.get("tz");
    return named && isZone(named) ? named : localZone();
  }

  /** Name of a range, or "custom". */
  get range() {
    if (DATE.test(this.get("from")) && DATE.test(this.get("to")) && this.get("from") <= this.get("to")) return "custom";
    return this.get("range") in RANGES ? this.get("range") : USUAL;
  }

  get interval() {
    if (this.range !== "custom") return RANGES[this.range][2];
    const { fromMs, toMs } = this.span();
    return intervalOf(fromMs, toMs || Date.now());
  }

  /** `toMs` is 0 where the range goes on until now. */
  span(now = Date.now()) {
    if (this.range === "custom") {
      const toMs = endOf(this.get("to"), this.zone);
      return { fromMs: beginOf(this.get("from"), this.zone), toMs: toMs > now ? 0 : toMs };
    }
    return { fromMs: RANGES[this.range][1](now, this.zone), toMs: 0 };
  }

  /** [[name, value], …] of the filters that are set. */
  get filters() {
    return FILTERS.map((name) => [name, this.get(name)]).filter(([, value]) => value);
  }

  get withBots() {
    return this.get("bots") === "include";
  }

  /** Parameters of a question: time and filters, and `more` of its own. Empty ones are left out. */
  question(more = {}) {
    const { fromMs, toMs } = this.span();
    const all = { from: fromMs, to: toMs, ...Object.fromEntries(this.filters), bots: this.withBots ? "include" : "", ...more };
    return new URLSearchParams(Object.entries(all).filter(([, value]) => value !== "" && value !== 0 && value !== undefined));
  }

  /** The same with these filters only, for what knows no others. */
  questionOf(names, more = {}) {
    const question = this.question(more);
    for (const [name] of this.filters) if (!names.includes(name)) question.delete(name);
    return question;
  }

  /** Changes the address: empty values go. */
  set(changes) {
    const query = this.#query;
    for (const [name, value] of Object.entries(changes)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    if (query.toString() === this.#query.toString()) return;
    history.pushState(null, "", query.size ? `?${query}` : location.pathname);
    this.dispatchEvent(new Event("change"));
  }

  refresh() {
    this.dispatchEvent(new Event("refresh"));
  }

  /** An address of these pages with the same time, zone and filters. */
  link(path) {
    const query = this.#query;
    for (const name of ["metric", "by", "only"]) query.delete(name);
    return `${path}${query.size ? `?${query}` : ""}`;
  }
}

export const address = new Address();
