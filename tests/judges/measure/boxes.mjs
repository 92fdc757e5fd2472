// What an init segment and a media segment really hold, read with codem-isoboxer.

import isoBoxer from "codem-isoboxer";

const NON_SYNC = 0x10000; // sample_is_non_sync_sample
const AVC_IDR = 5;
const HEVC_IRAP = [16, 23]; // BLA, IDR and CRA pictures

const one = (file, type) => file.fetch(type) ?? null;
const find = (bytes, fourcc) => {
  const code = [...fourcc].map((c) => c.charCodeAt(0));
  for (let i = 0; i + 4 <= bytes.length; i++)
    if (code.every((c, k) => bytes[i + k] === c)) return i + 4;
  return -1;
};
const hex = (byte) => byte.toString(16).padStart(2, "0");

function codecOf(bytes) {
  const avc = find(bytes, "avcC");
  if (avc > 0) {
    return {
      codecs: `avc1.${hex(bytes[avc + 1])}${hex(bytes[avc + 2])}${hex(bytes[avc + 3])}`,
      family: "avc",
      lengthSize: (bytes[avc + 4] & 3) + 1,
    };
  }
  const hevc = find(bytes, "hvcC");
  if (hevc > 0) return { codecs: null, family: "hevc", lengthSize: (bytes[hevc + 21] & 3) + 1 };
  const esds = find(bytes, "esds");
  if (esds > 0) {
    // The DecoderSpecificInfo descriptor (tag 5) starts with the five bits of the audio object type.
    for (let i = esds + 4; i < bytes.length - 6; i++) {
      if (bytes[i] !== 5) continue;
      let at = i + 1;
      while (bytes[at] & 0x80) at++;
      return { codecs: `mp4a.40.${bytes[at + 1] >> 3}`, family: "aac", lengthSize: 0 };
    }
  }
  return { codecs: null, family: "unknown", lengthSize: 0 };
}

export function readInit(buffer) {
  const file = isoBoxer.parseBuffer(buffer);
  const bytes = new Uint8Array(buffer);
  const header = one(file, "mdhd");
  const track = one(file, "tkhd");
  const defaults = one(file, "trex");
  const edit = one(file, "elst");
  if (!header || !track) throw new Error("an init segment without mdhd or tkhd");
  return {
    timescale: header.timescale,
    handler: one(file, "hdlr")?.handler_type ?? null,
    width: track.width,
    height: track.height,
    trackId: track.track_ID,
    editMediaTime: edit?.entries?.[0]?.media_time ?? 0,
    defaultDuration: defaults?.default_sample_duration ?? 0,
    defaultSize: defaults?.default_sample_size ?? 0,
    defaultFlags: defaults?.default_sample_flags ?? 0,
    ...codecOf(bytes),
  };
}

function isRandomAccess(view, offset, size, init) {
  let at = offset;
  while (at + init.lengthSize < offset + size) {
    let length = 0;
    for (let i = 0; i < init.lengthSize; i++) length = length * 256 + view.getUint8(at + i);
    const first = view.getUint8(at + init.lengthSize);
    if (init.family === "avc" && (first & 31) === AVC_IDR) return true;
    const kind = (first >> 1) & 63;
    if (init.family === "hevc" && kind >= HEVC_IRAP[0] && kind <= HEVC_IRAP[1]) return true;
    at += init.lengthSize + length;
  }
  return false;
}

/** Times are in the track's timescale; a segment may hold several fragments, which must join. */
export function readSegment(buffer, init) {
  const file = isoBoxer.parseBuffer(buffer);
  const view = new DataView(buffer);
  const moofs = file.fetchAll("moof");
  const faults = [];
  let start = null, clock = 0, earliest = Infinity, samples = 0, media = 0, firstIsIdr = null, firstSync = null;
  const idrTimes = [];
  for (const moof of moofs) {
    const inside = (type) => findIn(moof, type);
    const [tfhd] = inside("tfhd"), [tfdt] = inside("tfdt"), runs = inside("trun");
    if (!tfhd || !tfdt || !runs.length) { faults.push("a moof without tfhd, tfdt or trun"); continue; }
    if (tfhd.track_ID !== init.trackId) faults.push(`track ${tfhd.track_ID} where the init has ${init.trackId}`);
    if (start === null) start = clock = tfdt.baseMediaDecodeTime;
    else if (tfdt.baseMediaDecodeTime !== clock)
      faults.push(`a fragment starts at ${tfdt.baseMediaDecodeTime}, the one before ends at ${clock}`);
    let at = moof._offset;
    for (const run of runs) {
      at = moof._offset + (run.data_offset ?? 0);
      run.samples.forEach((sample, index) => {
        const flags = sample.sample_flags ?? (index === 0 ? run.first_sample_flags : undefined)
          ?? tfhd.default_sample_flags ?? init.defaultFlags;
        const duration = sample.sample_duration ?? tfhd.default_sample_duration ?? init.defaultDuration;
        const size = sample.sample_size ?? tfhd.default_sample_size ?? init.defaultSize;
        const sync = (flags & NON_SYNC) === 0;
        earliest = Math.min(earliest, clock + (sample.sample_composition_time_offset ?? 0));
        if (init.lengthSize) {
          if (at + size > buffer.byteLength) faults.push("a sample reaches beyond the end of the segment");
          else {
            const idr = isRandomAccess(view, at, size, init);
            if (idr) idrTimes.push(clock);
            if (idr !== sync) faults.push(`sample ${samples} is marked ${sync ? "" : "non-"}sync, its bytes say otherwise`);
            firstIsIdr ??= idr;
          }
        }
        firstSync ??= sync;
        at += size; media += size; clock += duration; samples++;
      });
    }
  }
  const held = file.fetchAll("mdat").reduce((sum, box) => sum + box.size - 8, 0);
  if (!moofs.length) faults.push("no moof box");
  if (held !== media) faults.push(`mdat holds ${held} bytes, the samples ${media}`);
  return {
    sequence: findIn(file, "mfhd").map((box) => box.sequence_number),
    start, duration: start === null ? null : clock - start, samples, firstIsIdr, firstSync, idrTimes, faults,
    presentationStart: Number.isFinite(earliest) ? earliest - init.editMediaTime : null,
  };
}

function findIn(box, type) {
  const found = [];
  for (const child of box.boxes ?? []) {
    if (child.type === type) found.push(child);
    found.push(...findIn(child, type));
  }
  return found;
}
