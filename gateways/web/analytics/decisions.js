// What is decided on beats and sessions, in words.
import { share } from "./numbers.js";

/** Why a session is no view, in a few words; the service has the sentences. */
export const REASONS = {
  bot: "Robot", no_first_frame: "No first frame", unknown_video: "Unknown film", too_short: "Too short to be engaged",
  approximate: "An estimate",
};

export const STATES = {
  starting: "Starting", playing: "Playing", seeking: "Seeking", rebuffering: "Stalled", paused: "Paused",
  waiting: "Waiting", ended: "Ended", failed: "Failed", preloading: "Preloading",
};

const KINDS = {
  start: "Began", first_frame: "First frame", state: "New state", interval: "Still there", bitrate: "New rendition",
  seek: "Sought", error: "Error", end: "End", other: "Other",
};

export const kindOf = (beat) => KINDS[beat.kind] ?? beat.kind;

/** One decision on a beat: `[word, what it means]`. */
export function decided(code) {
  if (code === "repeated") return ["Came again", "It was sent more than once and counts once."];
  if (code === "late") return ["Late", "It came after one that follows it; it was put in its place."];
  if (code === "gap_before") return ["Gap before", "The beat before it never came: at most a minute of the gap is counted."];
  if (code === "left_out") return ["Left out", "The session had too many gaps already: it is in none of its numbers."];
  if (code.startsWith("clamped:")) return [`Mended: ${code.slice(8)}`, "The field was out of its range and was brought into it."];
  return [code, code];
}

/** How much of the film was played, each second once. */
export const doneOf = (view) => (view.film_ms && view.covered_ms ? share(Math.min(1, view.covered_ms / view.film_ms)) : "");
