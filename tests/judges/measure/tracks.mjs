// Turns a list of declared segments into a measured track: each segment fetched and read.

import { readInit, readSegment } from "./boxes.mjs";
import { inTurn } from "./fetcher.mjs";

/** declared: [{url, initUrl, start_s, duration_s}] as a parser gave it, start_s counted from 0. */
export async function measureTrack(fetcher, declared) {
  const inits = new Map();
  for (const url of new Set(declared.map((segment) => segment.initUrl))) {
    const answer = await fetcher(url);
    inits.set(url, answer.status === 200
      ? { url, status: 200, size_bytes: answer.bytes.byteLength, ...readInit(answer.bytes) }
      : { url, status: answer.status });
  }
  const segments = await inTurn(declared, 4, async (segment) => {
    const answer = await fetcher(segment.url);
    const init = inits.get(segment.initUrl);
    const readable = answer.status === 200 && init.status === 200;
    const found = readable ? readSegment(answer.bytes, init) : null;
    return {
      url: segment.url,
      status: answer.status,
      size_bytes: answer.bytes.byteLength,
      declared_start_s: segment.start_s,
      declared_duration_s: segment.duration_s,
      timescale: init.timescale ?? null,
      tfdt: found?.start ?? null,
      duration: found?.duration ?? null,
      presentation_start: found?.presentationStart ?? null,
      sample_count: found?.samples ?? 0,
      first_is_idr: found?.firstIsIdr ?? null,
      first_is_sync: found?.firstSync ?? null,
      idr_times: found?.idrTimes ?? [],
      sequence: found?.sequence ?? [],
      faults: found?.faults ?? [],
    };
  });
  const rename = ({ url, status, timescale, handler, width, height, codecs, family }) =>
    ({ url, status, timescale, handler, width, height, codecs, family });
  return { inits: [...inits.values()].map(rename), segments };
}
