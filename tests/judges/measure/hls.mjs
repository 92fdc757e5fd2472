// HLS as hls-parser reads it, with m3u8-parser as a second opinion on every media playlist.

import hlsParser from "hls-parser";
import { Parser as M3u8Parser } from "m3u8-parser";

import { text } from "./fetcher.mjs";
import { measureTrack } from "./tracks.mjs";

// hls-parser says what it dislikes on the console and goes on: keep every word as a finding.
function parse(source, said, where) {
  const keep = (...words) => said.push(`${where}: ${words.join(" ")}`);
  const before = { error: console.error, warn: console.warn, log: console.log };
  Object.assign(console, { error: keep, warn: keep, log: keep });
  try {
    return hlsParser.parse(source);
  } finally {
    Object.assign(console, before);
  }
}

function secondOpinion(source) {
  const parser = new M3u8Parser();
  const said = [];
  for (const kind of ["warn", "error"]) parser.on(kind, (event) => said.push(event.message));
  parser.push(source);
  parser.end();
  const { segments, targetDuration, endList, playlistType } = parser.manifest;
  return {
    durations_s: segments.map((segment) => segment.duration),
    urls: segments.map((segment) => segment.uri),
    target_duration_s: targetDuration, ended: !!endList, playlist_type: playlistType ?? null, said,
  };
}

async function mediaPlaylist(fetcher, url, kind, name, declared, said) {
  const answer = await fetcher(url);
  const head = { name, kind, url, status: answer.status, content_type: answer.contentType, declared };
  if (answer.status !== 200) return { ...head, inits: [], segments: [] };
  const source = text(answer);
  const playlist = parse(source, said, url);
  let clock = 0;
  const wanted = playlist.segments.map((segment) => {
    const entry = {
      url: new URL(segment.uri, url).href,
      initUrl: segment.map ? new URL(segment.map.uri, url).href : null,
      start_s: clock,
      duration_s: segment.duration,
    };
    clock += segment.duration;
    return entry;
  });
  if (wanted.some((segment) => segment.initUrl === null)) said.push(`${url}: a segment without EXT-X-MAP`);
  return {
    ...head,
    target_duration_s: playlist.targetDuration,
    playlist_type: playlist.playlistType ?? null,
    ended: !!playlist.endlist,
    version: playlist.version ?? null,
    independent_segments: playlist.independentSegments || source.includes("#EXT-X-INDEPENDENT-SEGMENTS"),
    discontinuities: playlist.segments.filter((segment) => segment.discontinuity).length,
    second_opinion: secondOpinion(source),
    ...(await measureTrack(fetcher, wanted.filter((segment) => segment.initUrl !== null))),
  };
}

export async function measureHls(fetcher, masterUrl) {
  const answer = await fetcher(masterUrl);
  const said = [];
  const report = { url: masterUrl, status: answer.status, content_type: answer.contentType, said,
    source: answer.status === 200 ? text(answer) : "", renditions: [] };
  if (answer.status !== 200) return report;
  const master = parse(text(answer), said, masterUrl);
  report.independent_segments = !!master.independentSegments;
  report.version = master.version ?? null;
  const groups = new Map();
  for (const variant of master.variants ?? []) {
    for (const rendition of variant.audio) groups.set(`${rendition.groupId}/${rendition.name}`, rendition);
    if (variant.isIFrameOnly) continue;
    report.renditions.push(await mediaPlaylist(fetcher, new URL(variant.uri, masterUrl).href, "video",
      variant.uri, {
        bandwidth: variant.bandwidth ?? null,
        average_bandwidth: variant.averageBandwidth ?? null,
        codecs: variant.codecs ?? null,
        width: variant.resolution?.width ?? null,
        height: variant.resolution?.height ?? null,
        frame_rate: variant.frameRate ?? null,
        video_range: variant.videoRange ?? null,
        audio_groups: [...new Set(variant.audio.map((rendition) => rendition.groupId))],
      }, said));
  }
  for (const rendition of groups.values()) {
    if (!rendition.uri) continue;
    report.renditions.push(await mediaPlaylist(fetcher, new URL(rendition.uri, masterUrl).href, "audio",
      rendition.name, {
        audio_groups: [rendition.groupId], channels: rendition.channels ?? null,
        language: rendition.language ?? null,
      }, said));
  }
  return report;
}
