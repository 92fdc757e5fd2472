// DASH through shaka-player, which comes as a classic script.

let loading = null;

function loadShaka() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = import.meta.resolve("shaka-player/shaka-player.dash-es2021.js");
    script.onload = () => {
      globalThis.shaka.polyfill.installAll();
      resolve(globalThis.shaka);
    };
    script.onerror = () => {
      loading = null;
      reject(new Error("The DASH player did not load. Check the connection, then try again."));
    };
    document.head.append(script);
  });
  return loading;
}

/** Same contract as `startHls`. */
export async function startDash(video, url, { onRungs, onProblem }) {
  const shaka = await loadShaka();
  if (!shaka.Player.isBrowserSupported()) throw new Error("This browser has no Media Source Extensions: use a newer one.");
  const player = new shaka.Player();
  const trouble = (error) => onProblem(`The film could not be played (shaka ${error?.code ?? "error"}). Try again, or switch to HLS.`, `shaka-${error?.code ?? "error"}`);
  player.addEventListener("error", (event) => trouble(event.detail));
  player.configure({
    abr: { defaultBandwidthEstimate: 500_000 },
    streaming: { inaccurateManifestTolerance: 0 },
  });
  const tracks = () => player.getVariantTracks();
  await player.attach(video);
  try {
    await player.load(url);
    onRungs(tracks().map((track) => ({ id: String(track.id), width: track.width, height: track.height, bitrate: track.bandwidth })));
  } catch (error) {
    trouble(error);
  }

  return {
    name: `shaka-player ${shaka.Player.version}`,
    select: (rung) => {
      player.configure("abr.enabled", !rung);
      const track = rung && tracks().find((candidate) => String(candidate.id) === rung.id);
      if (track) player.selectVariantTrack(track, true);
    },
    stats: () => ({ bandwidth: player.getStats().estimatedBandwidth, rung: tracks().find((track) => track.active) ?? null }),
    stop: () => player.destroy(),
  };
}
