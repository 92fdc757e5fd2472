// How high automatic quality may go while a film is still being encoded. Pure.
//
// What is encoded arrives at the speed of the network, so a player takes the encoder for far faster than it is,
// goes to the highest rung, and its decoding takes from the encoder the processor that both need. The lead of the
// encoder over the viewer is the honest measure.

const COMFORTABLE_S = 30; // with so much encoded ahead, quality is only a matter of bandwidth
const SCARCE_S = 10; // with less than this it no longer is

/**
 * The highest automatic level, or -1 for no bound. `growing`: the playlist has no end yet; `lead_s`: seconds
 * encoded beyond the playhead; `capped`: whether there is a bound now, so that it does not come and go.
 * The bound is the second lowest rung, and never the highest of several.
 */
export function highestLevel({ growing, lead_s, capped, levels }) {
  const bound = Math.max(0, Math.min(1, levels - 2));
  if (!growing || levels < 2) return -1;
  if (capped) return lead_s >= COMFORTABLE_S ? -1 : bound;
  return lead_s < SCARCE_S ? bound : -1;
}
