// HLS or DASH: which of them a film can be played as on this page.
import { isPlayable } from "shared/asset.js";

/** hls.js stalls on cbcs with Clear Key; shaka-player plays it. */
export const onlyDash = (asset) => asset.protection?.scheme === "cbcs";

/** This page has Clear Key alone. */
export const opensHere = (asset) => !asset.protection || asset.protection.systems.includes("clearkey");

/** A film plays as HLS while it is encoded, as DASH too once it is whole. */
export const playsHere = (asset) => isPlayable(asset) && opensHere(asset) && (asset.state === "ready" || !onlyDash(asset));

export const manifestOf = (asset, kind) => asset.links[asset.protection ? `${kind}_clearkey` : kind];

/** What is best if nobody has chosen: of a protected film shaka-player asks one licence for all keys, hls.js one for each. */
export const suits = (asset) => (asset.protection && asset.state === "ready" ? "dash" : "hls");

export function playedAs(asset, wanted) {
  if (onlyDash(asset)) return "dash";
  return asset.state === "ready" && wanted === "dash" ? "dash" : "hls";
}
