// DASH through shaka-player, which comes as a classic script.
import { Problem } from "shared/api.js";
import { LICENCE_HEADER, refusal } from "./licences.js";

const LICENCE_FAILED = 6007; // shaka.util.Error.Code.LICENSE_REQUEST_FAILED
const BAD_STATUS = 1001; // shaka.util.Error.Code.BAD_HTTP_STATUS
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

/** Every licence goes with a token of its own. */
function protect(shaka, player, licences) {
  player.configure({ drm: { servers: { "org.w3.clearkey": licences.url } } });
  player.getNetworkingEngine().registerRequestFilter(async (type, request) => {
    if (type !== shaka.net.NetworkingEngine.RequestType.LICENSE) return;
    request.headers[LICENCE_HEADER] = await licences.token(request.body);
    request.headers["Content-Type"] = "application/json";
  });
}

/** The Problem of a refused token or licence, which shaka wraps; null for any other error. */
function refusalIn(error) {
  if (error?.code !== LICENCE_FAILED) return null;
  for (let inner = error; inner; inner = inner.data?.[0]) {
    if (inner instanceof Problem) return inner;
    if (inner.code === BAD_STATUS) return refusal(inner.data[1], inner.data[2]);
  }
  return null;
}

/** Same contract as `startHls`. */
export async function startDash(video, url, { licences, onRungs, onProblem }) {
  const shaka = await loadShaka();
  if (!shaka.Player.isBrowserSupported()) throw new Error("This browser has no Media Source Extensions: use a newer one.");
  const player = new shaka.Player();
  const trouble = (error) => {
    const refused = licences && refusalIn(error);
    if (refused) return licences.end(refused);
    onProblem(`The film could not be played (shaka ${error?.code ?? "error"}). Try again, or switch to HLS.`, `shaka-${error?.code ?? "error"}`);
  };
  player.addEventListener("error", (event) => trouble(event.detail));
  player.configure({
    abr: { defaultBandwidthEstimate: 500_000 },
    streaming: { inaccurateManifestTolerance: 0 },
  });
  if (licences) protect(shaka, player, licences);
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
