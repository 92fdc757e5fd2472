// DASH as mpd-parser reads it.

import { parse } from "mpd-parser";

import { text } from "./fetcher.mjs";
import { measureTrack } from "./tracks.mjs";

async function representation(fetcher, playlist, kind) {
  const { attributes } = playlist;
  const wanted = playlist.segments.map((segment) => ({
    url: segment.resolvedUri,
    initUrl: segment.map.resolvedUri,
    start_s: segment.presentationTime,
    duration_s: segment.duration,
  }));
  return {
    name: attributes.NAME ?? kind,
    kind,
    url: playlist.resolvedUri,
    status: 200,
    ended: !!playlist.endList,
    declared: {
      bandwidth: attributes.BANDWIDTH ?? null,
      codecs: attributes.CODECS ?? null,
      width: attributes.RESOLUTION?.width ?? null,
      height: attributes.RESOLUTION?.height ?? null,
      frame_rate: attributes["FRAME-RATE"] ?? null,
    },
    ...(await measureTrack(fetcher, wanted)),
  };
}

export async function measureDash(fetcher, manifestUrl) {
  const answer = await fetcher(manifestUrl);
  const said = [];
  const report = { url: manifestUrl, status: answer.status, content_type: answer.contentType, said,
    source: answer.status === 200 ? text(answer) : "", renditions: [] };
  if (answer.status !== 200) return report;
  const manifest = parse(text(answer), {
    manifestUri: manifestUrl,
    eventHandler: ({ type, message }) => said.push(`${type}: ${message}`),
  });
  report.duration_s = manifest.duration;
  for (const playlist of manifest.playlists)
    report.renditions.push(await representation(fetcher, playlist, "video"));
  for (const language of Object.values(manifest.mediaGroups.AUDIO.audio ?? {}))
    for (const playlist of language.playlists)
      report.renditions.push(await representation(fetcher, playlist, "audio"));
  return report;
}
