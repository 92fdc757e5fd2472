// What the player does right now, for people who want to know.
import { html } from "lit";
import { bitrate, elapsed } from "shared/format.js";
import { icon } from "shared/parts.js";

function bufferedAhead(video) {
  for (let at = 0; at < video.buffered.length; at += 1) {
    if (video.buffered.start(at) <= video.currentTime + 0.1 && video.currentTime <= video.buffered.end(at)) {
      return video.buffered.end(at) - video.currentTime;
    }
  }
  return 0;
}

export function statsPanel(player) {
  const { video, engine } = player;
  const { bandwidth, rung } = engine?.stats() ?? {};
  const quality = video.getVideoPlaybackQuality?.() ?? {};
  const rows = [
    ["Player", engine?.name ?? "starting"],
    ["First frame", player.firstFrameMs === null ? "not yet" : elapsed(player.firstFrameMs)],
    ["Picture", video.videoWidth ? `${video.videoWidth} × ${video.videoHeight}` : "none yet"],
    ["Rendition", rung ? `${Math.min(rung.width, rung.height)}p, ${bitrate(rung.bitrate ?? rung.bandwidth)}` : "none yet"],
    ["Buffer", `${bufferedAhead(video).toFixed(1)} s`],
    ["Throughput", bitrate(bandwidth) || "not measured yet"],
    ["Frames", `${quality.totalVideoFrames ?? 0} shown, ${quality.droppedVideoFrames ?? 0} dropped`],
  ];
  return html`
    <aside class="stats" aria-label="Playback statistics">
      <button class="icon-button" type="button" aria-label="Close the statistics" @click=${() => player.toggleStats()}>${icon("x")}</button>
      <dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    </aside>`;
}
