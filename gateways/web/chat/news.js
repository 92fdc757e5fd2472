// What a room's deltas say of the room itself, and of who reads here.
import { toast } from "shared/announce.js";
import { Problem } from "shared/api.js";
import { chat } from "./api.js";

export const unknownRoom = () => new Problem({ status: 404, title: "There is no such room", detail: "It is not there, or you may not read it." });

const changes = {
  room: (_, item) => ({ settings: item.settings }),
  moderators: ({ you }, item) => ({ you: { ...you, moderator: you.moderator || item.moderators.includes(you.account_id) } }),
  membership: ({ you }, item) => (item.account_ids.includes(you.account_id) ? { you: { ...you, member: item.added ? { kind: "member", joined_at_ms: item.at_ms } : null } } : {}),
  pinned: ({ pinned }, item) => ({ pinned: [...pinned.filter((pin) => pin.message_id !== item.message_id), item] }),
  unpinned: ({ pinned }, item) => ({ pinned: pinned.filter((pin) => pin.message_id !== item.message_id) }),
  removed: ({ pinned }, item) => ({ pinned: pinned.filter((pin) => !item.message_ids.includes(pin.message_id)) }),
  purged: ({ pinned }, item) => ({ pinned: pinned.filter((pin) => pin.author?.id !== item.account_id) }),
  reactions: (_, item) => (item.message_id ? {} : { reactions: item.totals }),
  sanction: (_, item) => ({ sanction: { kind: item.sanction, until_ms: item.until_ms, reason: item.reason ?? "" } }), // told to nobody else but whom it is about
  lifted: () => ({ sanction: null }),
  declined: ({ outbox, notice }, item) => ({ notice: outbox.declined(item.message_ids) ? "A moderator did not take your change: your message stays as it was." : notice }),
  edited({ outbox }, item) {
    if (!outbox.changes.delete(item.message_id)) return null;
    toast("A moderator let your change through");
    return { notice: "" };
  },
};

/** Puts into `store` what a delta that is no message changes; returns whether it can have changed something. */
export function learn(store, item) {
  const change = changes[item.kind]?.(store, item);
  if (change) Object.assign(store, change);
  return Boolean(change);
}

/** What the room says to us beside its deltas: `(store, said)` by type. */
export const answers = {
  presence: ({ signals }, said) => signals.here(said),
  typing: ({ signals, you }, said) => signals.typists.heard(said.accounts, you.account_id),
  read: ({ signals }, said) => signals.read(said.marks),
  erased(store, { account_ids: accountIds }) {
    store.pinned = store.pinned.filter((pin) => !accountIds.includes(pin.author?.id));
    for (const accountId of accountIds) store.people.delete(accountId);
    store.sink.take([{ kind: "erased", account_ids: accountIds }]);
  },
  notice(store, { code, on, detail }) {
    if (code === "livestream") store.signals.large(on);
    store.notice = on === false ? "" : detail;
  },
  edited(store, { state, message_id: messageId }) {
    if (state !== "held") return;
    store.outbox.changes.add(messageId);
    store.notice = "Your change waits for a moderator. Others see the old text until then.";
  },
};

/** Into `store` what was written before the page was loaded and waits for a moderator; without an answer it waits all the same. */
export async function recall(store, isShown) {
  const { items } = await chat.waiting(store.roomId).catch(() => ({ items: [] }));
  store.outbox.recall(items, isShown);
  if (items.length) store.become({});
}

/** Into `store` the messages that stand above the others. */
export async function readPins(store, messageIds) {
  store.pinned = messageIds.map((messageId) => ({ message_id: messageId }));
  if (!messageIds.length) return;
  const { items } = await chat.pins(store.roomId).catch(() => ({ items: [] })); // the others are shown where they are
  if (items.length) store.become({ pinned: items });
}
