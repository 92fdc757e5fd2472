// Days as people have them: where local midnight is in a time zone.

const parts = new Map();

function formatOf(zone) {
  if (!parts.has(zone)) {
    parts.set(zone, new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
    }));
  }
  return parts.get(zone);
}

/** `{year, month, day, hour, minute, second}` that a clock shows there; months from 1. */
const shown = (atMs, zone) => Object.fromEntries(formatOf(zone).formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));

function offsetMs(atMs, zone) {
  const at = shown(atMs, zone);
  return Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) - Math.floor(atMs / 1000) * 1000;
}

/** When the local day `days` before that of `atMs` begins. */
export function midnight(atMs, zone, days = 0) {
  const { year, month, day } = shown(atMs, zone);
  return startOf(Date.UTC(year, month - 1, day - days), zone);
}

/** When the day `2026-08-14` begins there, or ends. */
export const beginOf = (date, zone) => startOf(Date.parse(`${date}T00:00:00Z`), zone);
export const endOf = (date, zone) => startOf(Date.parse(`${date}T00:00:00Z`) + 86_400_000, zone);

function startOf(asUtcMs, zone) {
  const guess = asUtcMs - offsetMs(asUtcMs, zone);
  return asUtcMs - offsetMs(guess, zone);
}

/** `2026-08-14` of an instant. */
export function dateOf(atMs, zone) {
  const { year, month, day } = shown(atMs, zone);
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

export const localZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export const isZone = (name) => {
  try {
    return Boolean(formatOf(name));
  } catch {
    return false;
  }
};

/** Names to choose from, the usual ones first. */
export const zones = () => [...new Set([localZone(), "UTC", ...Intl.supportedValuesOf("timeZone")])];
