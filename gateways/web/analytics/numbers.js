// Measures as people read them: a name, a form, and whether more of it is good.
import { bitrate } from "shared/format.js";

const WHOLE = new Intl.NumberFormat();
const SHORT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const PERCENT = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const FINE = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 2 });
const DECIMAL = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

const nothing = "–";
const told = (format) => (value) => (value === null || value === undefined ? nothing : format(value));

export const whole = told((value) => WHOLE.format(value));
export const short = told((value) => (Math.abs(value) < 10_000 ? WHOLE.format(value) : SHORT.format(value)));
export const share = told((value) => (Math.abs(value) < 0.1 ? FINE : PERCENT).format(value));
export const decimal = told((value) => DECIMAL.format(value));

/** 850 ms, 2.4 s, 41 s, 12 min, 3.5 h, 1,204 h */
export const lasting = told((ms) => {
  if (ms === 0) return "0";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${DECIMAL.format(ms / 1000)} s`;
  if (ms < 3_600_000) return `${DECIMAL.format(ms / 60_000)} min`;
  const hours = ms / 3_600_000;
  return `${hours < 100 ? DECIMAL.format(hours) : SHORT.format(hours)} h`;
});

/** `good`: "up" or "down", which way is better; "" where neither is. */
const measure = (label, format, good = "up", about = "") => ({ label, format, good, about });

export const MEASURES = {
  views: measure("Views", short, "up", "Sessions that showed a first frame"),
  viewers: measure("Viewers", short, "up", "Different people, estimated to 0.8 %"),
  engaged_views: measure("Engaged views", short, "up", "At least 10 s played"),
  playing_ms: measure("Playing time", lasting, "up", "Wall clock of playing, without stalls and pauses"),
  average_playing_ms: measure("Played per view", lasting),
  completion_rate: measure("Completed", share, "up", "Views that played 90 % of the film"),
  finished_rate: measure("Reached the end", share, "up", "Views that reached the end, however they got there"),
  startup_median_ms: measure("Startup", lasting, "down", "Median time to the first frame"),
  startup_p95_ms: measure("Startup, slowest 5 %", lasting, "down", "95th percentile of the time to the first frame"),
  stalled_share: measure("Stalled", share, "down", "Stalls' share of the watched time"),
  stalled_views_rate: measure("Views that stalled", share, "down"),
  stalls_per_hour: measure("Stalls per hour", decimal, "down"),
  failure_rate: measure("Failed", share, "down", "Sessions that a fatal error ended"),
  exit_rate: measure("Left before the start", share, "down", "Sessions left before a first frame, without an error"),
  bitrate_kbps: measure("Bit rate", told((kbps) => bitrate(kbps * 1000) || "0"), "up", "By playing time, where players told it"),
  sessions: measure("Sessions", short, "", "Attempts to play, those that showed nothing included"),
};

/** How much it changed: `{text, tone, spoken}`, or null where nothing can be said. */
export function change(now, before, good) {
  if (!(before > 0) || now === null || now === undefined) return null;
  const ratio = now / before - 1;
  const size = Math.abs(ratio) >= 9.995 ? `×${DECIMAL.format(now / before)}` : PERCENT.format(Math.abs(ratio));
  if (Math.abs(ratio) < 0.0005) return { text: "0 %", tone: "", spoken: "as before" };
  const up = ratio > 0;
  const tone = good === "" ? "" : (good === "up") === up ? "good" : "bad";
  return { text: `${up ? "▲" : "▼"} ${size}`, tone, spoken: `${size} ${up ? "more" : "less"} than before` };
}
