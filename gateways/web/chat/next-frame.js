// When the page draws next.

const HIDDEN_MS = 500; // a hidden page gets no frames

/** Calls `flush` with the next frame, or a little later on a hidden page; returns how to call it off. */
export function atNextFrame(flush) {
  const due = document.hidden ? setTimeout(flush, HIDDEN_MS) : requestAnimationFrame(flush);
  return document.hidden ? () => clearTimeout(due) : () => cancelAnimationFrame(due);
}
