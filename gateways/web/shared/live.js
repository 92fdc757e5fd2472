// Server-sent events that behave: closed while the page is hidden (a browser allows six connections a host,
// and hidden tabs would eat them), opened again with growing pauses, never two at once for one purpose.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Opens `path` (a string or a function giving one) and calls `handlers[event](data)` with decoded JSON.
 * `onState("open" | "waiting")` follows the connection. Returns a function that ends it.
 */
export function live(path, handlers, { onState = () => {}, onTrouble = () => {} } = {}) {
  let source = null;
  let timer = 0;
  let pause = FIRST_PAUSE_MS;
  let ended = false;

  const shut = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };

  const open = () => {
    shut();
    if (ended || document.hidden) return;
    source = new EventSource(typeof path === "function" ? path() : path);
    source.onopen = () => {
      pause = FIRST_PAUSE_MS;
      onState("open");
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data), event.lastEventId));
    }
    source.onerror = () => {
      onState("waiting");
      if (source?.readyState !== EventSource.CLOSED) return;
      // refused for good (401, 404, 503): the page may look why; we try again later
      onTrouble();
      timer = setTimeout(open, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
  };

  const onVisibility = () => (document.hidden ? shut() : open());
  document.addEventListener("visibilitychange", onVisibility);
  open();
  return () => {
    ended = true;
    document.removeEventListener("visibilitychange", onVisibility);
    shut();
  };
}

/** Calls `work` each `everyMs` while the page is visible; a run never overlaps the next. Returns an end function. */
export function poll(work, everyMs) {
  let timer = 0;
  const turn = async () => {
    if (!document.hidden) await work();
    timer = setTimeout(turn, everyMs);
  };
  timer = setTimeout(turn, everyMs);
  return () => clearTimeout(timer);
}
