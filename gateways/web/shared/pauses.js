// How long connections wait before they come back.

export const FIRST_PAUSE_MS = 500;
export const LONGEST_PAUSE_MS = 15_000;

/** Half of the pause and up to all of it, by chance: a restarted gateway shall not be overrun. */
export const jittered = (pauseMs) => pauseMs * (0.5 + Math.random() / 2);
