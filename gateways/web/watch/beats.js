// What is watched on this page is told to the analytics service, where there is one.
import { anonymousViewer, watch } from "analytics-client/beats.js";
import { place } from "shared/places.js";

/** Reports of the player's video; null on a platform without analytics. */
export function reportBeats(player) {
  const url = place("analytics", "/v1/beats");
  if (url === null) return null;
  return watch(player.video, {
    url,
    asset: player.asset.id,
    player: () => player.engine?.name,
    rendition: () => playing(player),
    viewer: anonymousViewer(),
    credentials: "include",
    starting: true,
  });
}

function playing({ engine, asset }) {
  const rung = engine?.stats().rung;
  if (!rung) return null;
  const name = asset.renditions?.find(({ height }) => height === rung.height)?.name ?? "";
  return { name, bitrate_kbps: (rung.bitrate ?? rung.bandwidth) / 1000 };
}
