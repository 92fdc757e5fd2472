// Who watches now: one connection, a snapshot and then what changes, once a second. It comes back by itself.
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, jittered } from "shared/pauses.js";
import { liveUrl } from "./api.js";

const FORBIDDEN = 4403;

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** The last minutes go on with what is told: the newest one is the most of it so far. */
function goneOn(minutes, { at_ms: at, viewers }) {
  const now = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  const last = minutes.at(-1);
  if (last?.at_ms !== now) return [...minutes, { at_ms: now, viewers }].slice(-MINUTES);
  return viewers > last.viewers ? [...minutes.slice(0, -1), { at_ms: now, viewers }] : minutes;
}

/**
 * Follows everything, or `asset`; calls `onNews(news)` with the newest state, `{at_ms, viewers, top, last_minutes}`,
 * and `onState("connecting" | "open" | "waiting" | "refused")`. Closed while the page is hidden. Returns an end function.
 */
export function watchNow(asset, onNews, onState) {
  let [socket, timer, pauseMs, news] = [null, 0, FIRST_PAUSE_MS, null];

  const drop = () => {
    clearTimeout(timer);
    const old = socket;
    socket = null; // what it says from now on is nobody's
    old?.close();
  };

  const hear = (document) => {
    pauseMs = FIRST_PAUSE_MS;
    if (document.type === "snapshot") news = document;
    else if (document.type === "delta" && news) news = { ...news, ...document };
    else return;
    news.last_minutes = goneOn(news.last_minutes, news);
    onNews(news);
  };

  const open = () => {
    drop();
    if (document.hidden) return;
    onState("connecting");
    const mine = (socket = new WebSocket(liveUrl()));
    mine.onopen = () => {
      mine.send(JSON.stringify({ type: "watch", ...(asset ? { asset } : {}) }));
      if (mine === socket) onState("open");
    };
    mine.onmessage = ({ data }) => mine === socket && hear(JSON.parse(data));
    mine.onclose = ({ code }) => {
      if (mine !== socket) return;
      socket = null;
      if (code === FORBIDDEN) return void onState("refused");
      onState("waiting");
      timer = setTimeout(open, jittered(pauseMs));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    };
  };

  const onVisibility = () => (document.hidden ? drop() : open());
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("kinolog-session", open);
  open();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    removeEventListener("kinolog-session", open);
    drop();
  };
}
