// What a screen reader hears of a busy room: never more than one sentence each few seconds.
import { nameOf } from "./text.js";

const EVERY_MS = 5000;
const MOST_CHARS = 160;

/** Returns a function for messages that came; `region()` gives the live region. */
export function readout(region) {
  let waiting = [];
  let count = 0;
  let timer = 0;
  const speak = () => {
    timer = 0;
    const element = region();
    if (!count || !element) return;
    element.textContent = count > 2
      ? `${count} new messages`
      : waiting.map((message) => `${nameOf(message.author)}: ${message.text.slice(0, MOST_CHARS)}`).join(". ");
    [waiting, count] = [[], 0];
    timer = setTimeout(speak, EVERY_MS);
  };
  return (messages) => {
    count += messages.length;
    waiting = [...waiting, ...messages].slice(-2);
    timer ||= setTimeout(speak, 0);
  };
}
