// What a room's deltas say of the room itself, and of who reads here.
import { Problem } from "shared/api.js";

export const unknownRoom = () => new Problem({ status: 404, title: "There is no such room", detail: "It is not there, or you may not read it." });

const changes = {
  room: (_, item) => ({ settings: item.settings }),
  moderators: ({ you }, item) => ({ you: { ...you, moderator: you.moderator || item.moderators.includes(you.account_id) } }),
  pinned: ({ pinned }, item) => ({ pinned: [...pinned.filter((pin) => pin.message_id !== item.message_id), item] }),
  unpinned: ({ pinned }, item) => ({ pinned: pinned.filter((pin) => pin.message_id !== item.message_id) }),
  removed: ({ pinned }, item) => ({ pinned: pinned.filter((pin) => !item.message_ids.includes(pin.message_id)) }),
  purged: ({ pinned }, item) => ({ pinned: pinned.filter((pin) => pin.author?.id !== item.account_id) }),
  reactions: (_, item) => (item.message_id ? {} : { reactions: item.totals }),
  sanction: (_, item) => ({ mutedUntilMs: item.until_ms ?? Infinity }), // told to nobody else but whom it is about
  lifted: () => ({ mutedUntilMs: 0 }),
};

/** Puts into `store` what a delta that is no message changes. */
export function learn(store, item) {
  const change = changes[item.kind];
  if (change) Object.assign(store, change(store, item));
}
