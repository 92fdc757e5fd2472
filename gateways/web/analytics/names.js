// What stands for what in the service's answers, in words.
import { api } from "shared/api.js";
import { shortId } from "shared/format.js";

const COUNTRIES = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });
const DEVICES = { desktop: "Computer", mobile: "Phone", tablet: "Tablet", tv: "TV", console: "Console", bot: "Robot", other: "Other" };
const SOURCES = { json: "Event API", cmcd1: "CMCD 1", cmcd2: "CMCD 2" };
export const UNKNOWN = "Unknown";

export const DIMENSIONS = {
  country: "Countries", device: "Devices", os: "Systems", browser: "Browsers", player: "Players",
  referrer: "Referrers", rendition: "Renditions", source: "Sources", asset: "Videos",
};
export const ONE = {
  country: "Country", device: "Device", os: "System", browser: "Browser", player: "Player",
  referrer: "Referrer", rendition: "Rendition", source: "Source", asset: "Video",
};

function country(code) {
  try {
    return COUNTRIES.of(code);
  } catch {
    return code; // the operator's file may have codes of its own
  }
}

export function nameOf(dimension, key) {
  if (!key) return dimension === "referrer" ? "Direct" : UNKNOWN;
  if (dimension === "country") return country(key);
  if (dimension === "device") return DEVICES[key] ?? key;
  return dimension === "source" ? SOURCES[key] ?? key : key;
}

const asked = new Map();

/** Resolves to the film's title; to its short id where it may not be read or is gone. */
export function titleOf(assetId) {
  if (!asked.has(assetId)) asked.set(assetId, api.asset(assetId).then((asset) => asset.title, () => shortId(assetId)));
  return asked.get(assetId);
}
