// What a page plays, measured beside the player's own reports: by the clock, at each picture the browser draws.
window.meter = { watchedMs: 0, playingMs: 0, stalledMs: 0, stalls: 0, seeks: 0, pauses: 0, startupMs: null, state: "loading" };
{
  const began = performance.now();
  let last = began;
  let video = null;
  const turn = (state) => (window.meter.state = state);
  const hear = {
    playing: () => {
      window.meter.startupMs ??= performance.now() - began;
      turn("playing");
    },
    pause: () => {
      if (video.ended) return;
      window.meter.pauses++;
      turn("paused");
    },
    seeking: () => {
      window.meter.seeks++;
      turn("seeking");
    },
    waiting: () => {
      if (window.meter.state !== "playing") return;
      window.meter.stalls++;
      turn("stalled");
    },
    ended: () => turn("ended"),
  };
  const look = () => {
    const now = performance.now();
    const { meter } = window;
    const spent = now - last;
    last = now;
    if (meter.startupMs !== null && !["paused", "ended"].includes(meter.state)) meter.watchedMs += spent;
    if (meter.state === "playing") meter.playingMs += spent;
    if (meter.state === "stalled") meter.stalledMs += spent;
    if (!video && (video = document.querySelector("video"))) {
      for (const [name, handle] of Object.entries(hear)) video.addEventListener(name, handle);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
