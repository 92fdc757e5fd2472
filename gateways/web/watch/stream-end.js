// Hears at once that what plays here may not play on: a switch, a stop from elsewhere. Beats tell it too, but later.
import { Problem } from "shared/api.js";
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, jittered } from "shared/pauses.js";
import { socketPlace } from "shared/places.js";

const REFUSED = 4403; // another page's handshake: beats have to do

/** Calls `onEnd(problem)` when the stream has ended, as a beat would be told; a lost connection comes back. Returns an end function. */
export function streamEnd(streamId, deviceId, onEnd) {
  let [socket, timer, pauseMs] = [null, 0, FIRST_PAUSE_MS];

  const drop = () => {
    clearTimeout(timer);
    const old = socket;
    socket = null; // what it says from now on is nobody's
    old?.close();
  };

  const hear = ({ type, ...told }) => {
    if (type === "playing") pauseMs = FIRST_PAUSE_MS;
    if (type !== "ended") return;
    socket = null; // the service hangs up
    onEnd(new Problem({ status: 409, ...told }));
  };

  const open = () => {
    const mine = (socket = new WebSocket(socketPlace("drm", "/v1/live")));
    mine.onopen = () => mine.send(JSON.stringify({ type: "watch", stream_id: streamId, device_id: deviceId }));
    mine.onmessage = ({ data }) => mine === socket && hear(JSON.parse(data));
    mine.onclose = ({ code }) => {
      if (mine !== socket || code === REFUSED) return;
      timer = setTimeout(open, jittered(pauseMs));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    };
  };

  open();
  return drop;
}
