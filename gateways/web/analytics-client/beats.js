// Tells Kinolog's analytics what a <video> plays. No dependency; docs/guides/analytics.md has an example.
//
//   import { watch } from "https://video.example.org/web/analytics-client/beats.js";
//   const beats = watch(video, { url: "https://video.example.org:3002/v1/beats", asset: "<id of the film>" });
//
// One session from `watch` to `stop`: its beats are counted (`sn`), so that the service knows repeats and gaps.

const EVERY_MS = 10_000; // while something happens; a paused player is silent
const GATHER_MS = 250; // what belongs together goes out together
const STARTING_MS = 5000; // until then the browser may say that it waits for a click
const MOST_WAITING = 500;
const MOST_IN_A_BEACON = 200; // browsers take some 64 KiB
const KEPT = "kinolog-viewer";
const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const untracked = () => navigator.doNotTrack === "1" || navigator.globalPrivacyControl === true;

/** A random name of this browser, by which viewers are counted; none for who asks not to be tracked. */
export function anonymousViewer() {
  if (untracked()) return "";
  try {
    const kept = localStorage.getItem(KEPT) ?? random();
    localStorage.setItem(KEPT, kept);
    return kept;
  } catch {
    return ""; // a browser that keeps nothing
  }
}

/**
 * Reports until `stop()`.
 *
 * `url`: of POST /v1/beats. `asset`: the film's id. `player()`: name and version. `rendition()`: what plays now, as
 * `{ name, bitrate_kbps }`. `viewer`: what counts as one viewer, `anonymousViewer()` for example; nothing is stored
 * without it. `credentials`: `include` on pages that share Kinolog's sign-in. `starting`: the film begins by itself.
 * What it returns: `error(code, fatal)` tells of trouble, `idle()` that the browser waits for a click after all.
 */
export function watch(video, options) {
  const { url, asset, player = () => "", rendition = () => null, viewer = "", credentials = "omit" } = options;
  const { referrer = document.referrer, starting = video.autoplay || !video.paused } = options;
  const sid = random();
  const clock0 = Date.now() - performance.now(); // a clock that nobody sets while we play
  const [stopping, waiting] = [new AbortController(), []];
  let [sn, state, started, timer, sending] = [0, "preloading", false, 0, false];
  let [stalls, stalledMs, stalledSince, shown] = [0, 0, null, ""];
  let last = { playheadMs: 0, atMs: performance.now() };
  const now = () => ({ playheadMs: video.currentTime * 1000, atMs: performance.now() });
  /** Where playback had got to just now: at `seeking` the video tells already where it goes. */
  const reached = () => last.playheadMs + (state === "playing" ? (performance.now() - last.atMs) * video.playbackRate : 0);

  function beat(kind, next, { playheadMs = video.currentTime * 1000, error = "" } = {}) {
    const at = performance.now();
    if (stalledSince !== null && next !== "rebuffering") [stalledMs, stalledSince] = [stalledMs + at - stalledSince, null];
    if (stalledSince === null && next === "rebuffering") [stalls, stalledSince] = [stalls + 1, at];
    state = next;
    const playing = rendition();
    shown = playing?.name ?? "";
    waiting.push({
      sn: sn++, ts_ms: Math.round(clock0 + at), kind, state, playhead_ms: Math.round(playheadMs), rate: video.playbackRate || 1,
      rendition: shown, bitrate_kbps: playing?.bitrate_kbps ? Math.round(playing.bitrate_kbps) : null,
      stalls_total: stalls, stalled_total_ms: Math.round(stalledMs + (stalledSince === null ? 0 : at - stalledSince)),
      dropped_frames_total: video.getVideoPlaybackQuality?.().droppedVideoFrames ?? null, error,
    });
    waiting.splice(0, waiting.length - MOST_WAITING);
    clearTimeout(timer);
    timer = setTimeout(flush, state === "starting" ? STARTING_MS : GATHER_MS);
  }
  /** A state that is told once. */
  const turn = (kind, next, more) => next !== state && beat(kind, next, more);

  const body = (beats) => JSON.stringify({ sid, asset, viewer, player: player() ?? "", referrer, beats });
  async function flush() {
    clearTimeout(timer);
    timer = 0;
    if (sending || !waiting.length) return;
    sending = true;
    const beats = waiting.slice();
    let done = false;
    try {
      // Plain text: no preflight on the way to another port. Sent again, beats change nothing.
      const answer = await fetch(url, { method: "POST", body: body(beats), headers: { "Content-Type": "text/plain" }, credentials, keepalive: beats.length < 50 });
      done = answer.status !== 429 && answer.status < 500;
    } catch {
      // no network: the next beat tries again
    }
    sending = false;
    if (!done) return;
    waiting.splice(0, waiting.findLastIndex((each) => each.sn <= beats.at(-1).sn) + 1);
    if (waiting.length) timer ||= setTimeout(flush, GATHER_MS);
  }
  /** The page goes: a beacon outlives it. What it carries may arrive twice. */
  const goodbye = () => {
    while (waiting.length) navigator.sendBeacon(url, body(waiting.splice(0, MOST_IN_A_BEACON)));
  };

  const hear = {
    play: () => started || turn("start", "starting"),
    playing: () => {
      if (!started) beat("first_frame", "playing");
      else turn("state", "playing");
      started = true;
    },
    pause: () => video.ended || turn("state", "paused"),
    // What a seek waits for is the seek's, also when the video says that it is done.
    waiting: () => started && state !== "seeking" && !video.seeking && !video.paused && turn("state", "rebuffering"),
    seeking: () => started && turn("seek", "seeking", { playheadMs: reached() }),
    seeked: () => {
      last = now();
      if (started && video.paused) turn("state", "paused");
      else if (started && video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) turn("state", "playing");
    },
    timeupdate: () => {
      if (!video.seeking) last = now();
    },
    ratechange: () => started && beat("state", state),
    resize: () => started && (rendition()?.name ?? "") !== shown && beat("bitrate", state),
    ended: () => turn("end", "ended"),
    emptied: () => started && turn("state", "waiting"),
    error: () => video.error && beat("error", "failed", { error: `media-${video.error.code}` }),
  };
  const { signal } = stopping;
  for (const [name, handle] of Object.entries(hear)) video.addEventListener(name, handle, { signal });
  document.addEventListener("visibilitychange", () => document.hidden && (beat("other", state), goodbye()), { signal });
  const leave = () => ["ended", "failed"].includes(state) || beat("end", "paused");
  addEventListener("pagehide", () => (leave(), goodbye()), { signal });
  addEventListener("pageshow", ({ persisted }) => persisted && !video.paused && turn("state", "playing"), { signal });
  const ticking = setInterval(() => {
    if (!["preloading", "paused", "ended", "failed"].includes(state)) beat("interval", state);
    if (waiting.length) flush();
  }, EVERY_MS);

  beat(starting ? "start" : "other", starting ? "starting" : "preloading");
  return {
    sid,
    idle: () => {
      if (started) return;
      waiting.splice(0, waiting.length, ...waiting.map((each) => ({ ...each, kind: "other", state: "preloading" })));
      turn("state", "preloading");
    },
    error: (code, fatal = true) => beat("error", fatal ? "failed" : state, { error: String(code).slice(0, 64) }),
    stop: () => {
      if (signal.aborted) return;
      leave();
      stopping.abort();
      clearInterval(ticking);
      clearTimeout(timer);
      goodbye();
    },
  };
}
