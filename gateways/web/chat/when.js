// Which messages a panel shows: the newest, those of the film's time, or those around one that was found.
import { around } from "./around.js";
import { chat } from "./api.js";
import { Replay } from "./replay.js";

/** Live, or in the film's time. */
export function turn(panel, replaying) {
  if (replaying === panel.replaying) return;
  panel.replay?.end();
  panel.replay = null;
  panel.replaying = replaying;
  if (!replaying) {
    toNewest(panel, { anew: true });
    return;
  }
  [panel.away, panel.trouble] = [false, null];
  panel.list.reset([]);
  panel.replay = new Replay(panel.roomId, panel.video, panel.list);
  panel.replay.addEventListener("change", () => panel.requestUpdate());
}

/** The newest again. `anew`: what is on the page is of another time. */
export function toNewest(panel, { anew = panel.away } = {}) {
  if (!anew) {
    panel.list.toNewest();
    return;
  }
  [panel.away, panel.begun, panel.trouble] = [false, false, null];
  panel.list.reset([]);
  const { outbox } = panel.store;
  panel.store.end();
  panel.join();
  panel.store.become({ outbox });
}

/** Shows a message that was found, among its neighbours. */
export async function go(panel, message) {
  panel.searching = false;
  await panel.updateComplete;
  if (!panel.replaying && panel.list.bring(message.message_id)) return;
  try {
    const messages = await around(panel.roomId, message);
    panel.replay?.end();
    [panel.replay, panel.replaying, panel.away, panel.begun, panel.trouble] = [null, false, true, false, null];
    panel.list.place(messages, message.message_id);
  } catch (problem) {
    panel.trouble = { problem, title: "The message could not be read", retry: () => go(panel, message) };
  }
  panel.requestUpdate();
}

/** More of what was said before, above what is shown. */
export async function earlier(panel) {
  const { list } = panel;
  panel.reading = true;
  panel.requestUpdate();
  try {
    const { items } = await chat.messages(panel.roomId, { before: list.oldest?.id });
    list.prepend(items.map((item) => ({ kind: "message", ...item })).toSorted((one, other) => one.id - other.id));
    panel.begun = items.length === 0;
    panel.trouble = null;
  } catch (problem) {
    panel.trouble = { problem, title: "Earlier messages could not be read", retry: () => earlier(panel) };
  }
  panel.reading = false;
  panel.requestUpdate();
}
