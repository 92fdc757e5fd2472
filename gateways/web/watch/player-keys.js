// Keys of the player; they work wherever the focus is on the page.
import { shortcut } from "shared/keys.js";

const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];

/** Registers the keys for `player` (an element with `video`, `controller`, `toggleStats`); returns a remover. */
export function shortcutsOf(player) {
  const { video } = player;
  const by = (seconds) => () => {
    video.currentTime = Math.max(0, Math.min(video.duration || 0, video.currentTime + seconds));
  };
  const ask = (name) => player.controller.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true }));
  const faster = (step) => () => {
    const next = RATES.indexOf(video.playbackRate) + step;
    if (RATES[next]) video.playbackRate = RATES[next];
  };
  const volume = (step) => () => {
    video.volume = Math.max(0, Math.min(1, video.volume + step));
  };
  const keys = [
    [["k", " "], "Play or pause", () => (video.paused ? player.play() : video.pause())],
    [["ArrowLeft"], "Back 5 s", by(-5)],
    [["ArrowRight"], "Forward 5 s", by(5)],
    [["j"], "Back 10 s", by(-10)],
    [["l"], "Forward 10 s", by(10)],
    [["ArrowUp"], "Louder", volume(0.1)],
    [["ArrowDown"], "Quieter", volume(-0.1)],
    [["m"], "Mute", () => (video.muted = !video.muted)],
    [["<"], "Slower", faster(-1)],
    [[">"], "Faster", faster(1)],
    [["f"], "Full screen", () => ask(document.fullscreenElement ? "mediaexitfullscreenrequest" : "mediaenterfullscreenrequest")],
    [["p"], "Picture in picture", () => ask(document.pictureInPictureElement ? "mediaexitpiprequest" : "mediaenterpiprequest")],
    [["i"], "Playback statistics", () => player.toggleStats()],
  ];
  const removers = keys.map(([names, label, run]) => shortcut({
    keys: names, label, group: "Player",
    run: () => {
      run();
    },
  }));
  return () => removers.forEach((remove) => remove());
}
