// HLS or DASH: which of them a film can be played as on this page.
import { isPlayable } from "shared/asset.js";

/** hls.js stalls on cbcs with Clear Key; shaka-player plays it. */
export const onlyDash = (asset) => asset.protection?.scheme === "cbcs";

/** A film plays as HLS while it is encoded, as DASH once it is whole. */
export const playsHere = (asset) => isPlayable(asset) && (asset.state === "ready" || !onlyDash(asset));

/** What is best if nobody has chosen: of a protected film shaka-player asks one licence for all keys, hls.js one for each. */
export const suits = (asset) => (asset.protection && asset.state === "ready" ? "dash" : "hls");

export function playedAs(asset, wanted) {
  if (onlyDash(asset)) return "dash";
  return asset.state === "ready" && wanted === "dash" ? "dash" : "hls";
}
