// HLS through hls.js.
import Hls from "hls.js";
import { highestLevel } from "./level-cap.js";
import { LICENCE_HEADER, refusal } from "./licences.js";

const MOST_RECOVERIES = 3;

const keyIds = (kid) => {
  const text = btoa(String.fromCharCode(...kid)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return new TextEncoder().encode(JSON.stringify({ kids: [text] })).buffer;
};

/** hls.js asks a licence for each key, and each goes with a token of its own; `refused(problem)` if there is none. */
const protect = (licences, refused) => ({
  emeEnabled: true,
  // Asks by the playlist's KID: told by `encrypted` events alone, it mistakes the key of the sound for that of the pictures.
  drmSystems: { "org.w3.clearkey": { licenseUrl: licences.url, generateRequest: (_, __, { decryptdata }) => ({ initDataType: "keyids", initData: keyIds(decryptdata.keyId) }) } },
  licenseXhrSetup: async (xhr, url, _, challenge) => {
    const token = await licences.token(challenge).catch((problem) => {
      refused(problem);
      throw problem;
    });
    xhr.open("POST", url);
    xhr.setRequestHeader(LICENCE_HEADER, token);
    xhr.setRequestHeader("Content-Type", "application/json");
  },
});

/**
 * Plays `url` in `video`. The engine tells of its rungs through `onRungs` and of an end of its patience through
 * `onProblem(sentence, code)`. `licences` are those of a protected film. Starts on the lowest rung: the first frame matters more than the first second's sharpness.
 * While the encoder is only just ahead, automatic quality stays low; a rung that was chosen by hand stays.
 */
export async function startHls(video, url, { licences, onRungs, onProblem }) {
  if (!Hls.isSupported()) throw new Error("This browser has no Media Source Extensions: use a newer one.");
  let refused = null;
  const hls = new Hls({
    ...(licences ? protect(licences, (problem) => (refused = problem)) : {}),
    startLevel: 0,
    startFragPrefetch: true,
    workerPath: import.meta.resolve("hls.js/hls.worker.js"),
    backBufferLength: 60,
    startPosition: 0, // an unfinished film is a growing playlist, not a live show: begin at its beginning
  });
  let recoveries = 0;
  let waiting = 0;

  let playlist = { live: true, edge: 0 }; // unfinished, until the first playlist says otherwise
  const bound = () => {
    const [levels, capped] = [hls.levels?.length ?? 0, hls.autoLevelCapping >= 0];
    const wanted = highestLevel({ growing: playlist.live, lead_s: playlist.edge - video.currentTime, capped, levels });
    if (wanted !== hls.autoLevelCapping) hls.autoLevelCapping = wanted;
  };
  video.addEventListener("timeupdate", bound);

  hls.on(Hls.Events.LEVEL_LOADED, (_, { details }) => {
    playlist = details;
    bound();
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    bound();
    onRungs(hls.levels.map((level, index) => ({ id: String(index), width: level.width, height: level.height, bitrate: level.bitrate })));
  });
  hls.on(Hls.Events.FRAG_BUFFERED, () => {
    recoveries = 0;
  });
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (licences && data.type === Hls.ErrorTypes.KEY_SYSTEM_ERROR) {
      const { status = 0, response } = data.networkDetails ?? {};
      const problem = refused ?? (status >= 400 ? refusal(status, response) : null);
      if (problem) return licences.end(problem);
      if (data.fatal) onProblem("This browser could not open the film's keys. Try again, or switch to DASH.", data.details);
      return;
    }
    if (!data.fatal) return;
    recoveries += 1;
    if (recoveries > MOST_RECOVERIES) {
      onProblem(data.type === Hls.ErrorTypes.NETWORK_ERROR ? "The film's next part did not arrive. Check the connection, then try again." : "The film could not be decoded here. Try again, or switch to DASH.", data.details);
      return;
    }
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else waiting = setTimeout(() => (hls.levels?.length ? hls.startLoad() : hls.loadSource(url)), 400 * 2 ** recoveries);
  });
  hls.attachMedia(video);
  hls.loadSource(url);

  return {
    name: `hls.js ${Hls.version}`,
    select: (rung) => {
      hls.nextLevel = rung ? Number(rung.id) : -1;
    },
    stats: () => ({ bandwidth: hls.bandwidthEstimate, rung: hls.levels?.[hls.currentLevel] ?? null }),
    stop: async () => {
      clearTimeout(waiting);
      video.removeEventListener("timeupdate", bound);
      hls.destroy();
    },
  };
}
