// The page half of tests/support/playback.py: one <video>, four players, frame numbers read from a canvas.
// READ_NUMBER is set before this script runs. On a page with a player of its own, `open` is left out.

const video = document.querySelector("video");
const trouble = []; // everything a player complained of, and every hole found in what it had to play
const complain = (what) => trouble.push(`${what} at ${video.currentTime.toFixed(3)} s`);
video.addEventListener("error", () => complain(`media error: ${video.error?.message}`));

const once = (target, name) => new Promise((done) => target.addEventListener(name, done, { once: true }));
const later = (ms) => new Promise((done) => setTimeout(done, ms));
const PATIENCE_MS = 60_000; // of a busy machine, for one thing that comes at once on others

const script = (source) => new Promise((done, failed) => {
  const tag = document.createElement("script");
  Object.assign(tag, { src: source, onload: done, onerror: () => failed(new Error(`no ${source}`)) });
  document.head.append(tag);
});

// Each opens an address with one rung only (by height), or all rungs where height is null.
const players = {
  async "hls.js"(url, height, licences) {
    await script("lib/hls.min.js");
    const protection = licences && { emeEnabled: true, drmSystems: { "org.w3.clearkey": { licenseUrl: licences } } };
    const hls = new Hls({ autoStartLoad: false, enableWorker: false, ...protection });
    // Its complaints about slow pictures and answers tell of a busy machine; it asks again, and holes in the
    // film are looked for below.
    const { ErrorDetails } = Hls;
    const slow = [
      ErrorDetails.BUFFER_STALLED_ERROR, ErrorDetails.BUFFER_NUDGE_ON_STALL, ErrorDetails.FRAG_LOAD_TIMEOUT,
      ErrorDetails.LEVEL_LOAD_TIMEOUT, ErrorDetails.AUDIO_TRACK_LOAD_TIMEOUT, ErrorDetails.MANIFEST_LOAD_TIMEOUT,
    ];
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (data.fatal || !slow.includes(data.details)) complain(`hls.js ${data.details}`);
    });
    hls.attachMedia(video);
    const parsed = new Promise((done) => hls.once(Hls.Events.MANIFEST_PARSED, done));
    hls.loadSource(url);
    await parsed;
    if (height !== null) {
      const index = hls.levels.findIndex((level) => level.height === height);
      if (index < 0) throw new Error(`no rung ${height} among ${hls.levels.map((level) => level.height)}`);
      hls.startLevel = hls.currentLevel = index;
    }
    hls.startLoad(0);
    return () => hls.destroy();
  },

  async "shaka-player"(url, height, licences) {
    await script("lib/shaka-player.compiled.js");
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    await player.attach(video);
    if (licences) player.configure({ drm: { servers: { "org.w3.clearkey": licences } } });
    if (height !== null) player.configure({ restrictions: { minHeight: height, maxHeight: height } });
    for (const name of ["error", "gapjumped"])
      player.addEventListener(name, (event) => complain(`shaka ${name} ${event.detail?.code ?? ""}`));
    await player.load(url);
    return () => player.destroy();
  },

  async "dash.js"(url, height) {
    await script("lib/dash.all.min.js");
    const player = dashjs.MediaPlayer().create();
    const { events } = dashjs.MediaPlayer;
    if (height !== null)
      player.registerCustomCapabilitiesFilter((rung) => !rung.height || rung.height === height);
    for (const name of ["ERROR", "GAP_CAUSED_INTERNAL_SEEK", "PLAYBACK_ERROR"])
      if (events[name]) player.on(events[name], (event) => complain(`dash.js ${name} ${event.error?.message ?? ""}`));
    player.initialize(video, url, false);
    return () => player.destroy();
  },

  async "video.js"(url, height) {
    await script("lib/video.min.js");
    const player = videojs(video, { html5: { vhs: { overrideNative: true } }, preload: "auto" });
    player.on("error", () => complain(`video.js ${player.error()?.message}`));
    const kind = url.includes(".mpd") ? "application/dash+xml" : "application/vnd.apple.mpegurl";
    const rungs = player.qualityLevels();
    rungs.on("addqualitylevel", ({ qualityLevel }) => {
      qualityLevel.enabled = height === null || qualityLevel.height === height;
    });
    player.src({ src: url, type: kind });
    return () => player.dispose();
  },
};

const SLOWEST = 0.25; // of normal speed
const EDGE_S = 0.05;
const ranges = () => Array.from({ length: video.buffered.length }, (_, i) =>
  `${video.buffered.start(i).toFixed(3)}-${video.buffered.end(i).toFixed(3)}`);
// What was played lies in one piece in the buffer: a player that jumps a hole, however fast, leaves two.
// A machine that decodes slowly makes a player wait too, so waiting as such is no fault of the film.
const playedWhole = (start_s) => {
  for (let i = 0; i < video.buffered.length; i++)
    if (video.buffered.start(i) <= start_s + EDGE_S && video.buffered.end(i) >= video.currentTime - EDGE_S) return true;
  return false;
};

const frameNow = (metadata) => ({
  number: READ_NUMBER(video),
  media_time_s: metadata?.mediaTime ?? null,
  width: video.videoWidth,
  height: video.videoHeight,
});
const nextFrame = () => new Promise((done) => video.requestVideoFrameCallback((_, data) => done(frameNow(data))));

async function play(until_s, rate) {
  const frames = [], deadline = performance.now() + PATIENCE_MS;
  let playing = true;
  const keep = (_, data) => {
    if (!playing) return;
    frames.push(frameNow(data));
    video.requestVideoFrameCallback(keep);
  };
  video.playbackRate = rate;
  video.requestVideoFrameCallback(keep);
  await video.play();
  while (video.currentTime < until_s && !video.ended && performance.now() < deadline) await later(20);
  playing = false;
  video.pause();
  return frames;
}

window.harness = {
  /** Opens and waits for the first picture. */
  async open(player, url, height, licences) {
    const first = nextFrame();
    this.close = await players[player](url, height, licences);
    const frame = await Promise.race([first, later(PATIENCE_MS).then(() => null)]);
    if (frame === null) throw new Error(`${player} showed nothing of ${url} within 60 s: ${trouble.join("; ")}`);
    return frame;
  },

  /** Plays from where it stands until a media time and gives every picture shown.
   *
   * A busy browser drops most pictures: with fewer than `fewest`, once more from there, at half the rate. */
  async playUntil(until_s, rate, fewest) {
    const start_s = video.currentTime;
    for (;;) {
      const frames = await play(until_s, rate);
      if (video.currentTime < until_s && !video.ended) complain(`60 s were not enough to play to ${until_s} s`);
      if (!playedWhole(start_s)) complain(`a hole in the film after ${start_s} s, buffered: ${ranges()}`);
      if (new Set(frames.map((frame) => frame.number)).size >= fewest || rate < SLOWEST) return frames;
      rate /= 2;
      await this.seek(start_s, null);
    }
  },

  /** Seeks while paused and gives the picture then shown, once it is that of `number` (null: the first seen). */
  async seek(to_s, number) {
    const deadline = performance.now() + PATIENCE_MS;
    video.pause();
    const sought = once(video, "seeked");
    video.currentTime = to_s;
    if (!await Promise.race([sought.then(() => true), later(PATIENCE_MS)])) complain(`no end to a seek to ${to_s} s`);
    // `seeked` may come before the picture.
    let frame = frameNow(null);
    while (number !== null && frame.number !== number && performance.now() < deadline) {
      await later(20);
      frame = frameNow(null);
    }
    return frame;
  },

  now: () => frameNow(null),

  state: () => ({
    trouble: [...trouble],
    duration_s: video.duration,
    audio_bytes: video.webkitAudioDecodedByteCount,
    dropped: video.getVideoPlaybackQuality().droppedVideoFrames,
    ended: video.ended,
  }),
};
