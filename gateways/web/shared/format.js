// Numbers and times as people read them. Every number carries its unit.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  if (!Number.isFinite(count)) return "";
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

export const rate = (bytesPerSecond) => (bytesPerSecond > 0 ? `${bytes(bytesPerSecond)}/s` : "");

export function bitrate(bitsPerSecond) {
  if (!(bitsPerSecond > 0)) return "";
  if (bitsPerSecond < 1e6) return `${Math.round(bitsPerSecond / 1000)} kb/s`;
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mb/s`;
}

/** 0:30, 12:04, 2:03:11 */
export function clock(milliseconds) {
  if (!Number.isFinite(milliseconds) || milliseconds <= 0) return "";
  const total = Math.max(1, Math.round(milliseconds / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** "a few seconds", "12 s", "3 min", "1 h 20 min" */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 3) return "a few seconds";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  const minutes = Math.round((seconds % 3600) / 60);
  return `${Math.floor(seconds / 3600)} h${minutes ? ` ${minutes} min` : ""}`;
}

export function elapsed(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
  return span(milliseconds / 1000);
}

const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const STEPS = [[60, "second"], [60, "minute"], [24, "hour"], [7, "day"], [4.35, "week"], [12, "month"], [Infinity, "year"]];

export function ago(atMs, nowMs = Date.now()) {
  let value = (atMs - nowMs) / 1000;
  if (Math.abs(value) < 10) return "just now";
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size) return RELATIVE.format(Math.round(value), unit);
    value /= size;
  }
  return "";
}

const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const pad = (value, size) => String(value).padStart(size, "0");

export const exact = (atMs) => EXACT.format(atMs);
export const iso = (atMs) => new Date(atMs).toISOString();

/** 14:03:07.412, local time */
export function timeOfDay(atMs, { millis = true } = {}) {
  const at = new Date(atMs);
  const text = `${pad(at.getHours(), 2)}:${pad(at.getMinutes(), 2)}:${pad(at.getSeconds(), 2)}`;
  return millis ? `${text}.${pad(at.getMilliseconds(), 3)}` : text;
}

/** First and last four characters: enough to compare by eye, short enough for a line. */
export const shortId = (id) => (id && id.length > 12 ? `${id.slice(0, 4)}…${id.slice(-4)}` : id ?? "");

export const count = (value, one, many = `${one}s`) => `${value.toLocaleString()} ${value === 1 ? one : many}`;
