// What deltas do to the messages on the page. Pure.

/**
 * Folds `deltas` into `known` (message_id -> message; changed in place). Returns what to do with the rows:
 * `{fresh: [messages in order], changed: Set, gone: Set}` of message ids; each id stands in one of them at most.
 */
export function fold(known, deltas) {
  const fresh = new Map();
  const changed = new Set();
  const gone = new Set();

  const hide = (messageId) => {
    if (!known.delete(messageId)) return;
    changed.delete(messageId);
    if (!fresh.delete(messageId)) gone.add(messageId);
  };
  const alter = (messageId, change) => {
    const held = known.get(messageId);
    if (!held) return;
    Object.assign(held, change);
    if (!fresh.has(messageId)) changed.add(messageId);
  };
  const handlers = {
    message: (delta) => {
      if (known.get(delta.message_id)?.id === delta.id) return;
      hide(delta.message_id); // it was removed and came again: the newest one counts
      known.set(delta.message_id, { ...delta });
      fresh.set(delta.message_id, known.get(delta.message_id));
    },
    edited: (delta) => alter(delta.message_id, { text: delta.text, mentions: delta.mentions ?? [], edited_at_ms: delta.at_ms }),
    removed: (delta) => delta.message_ids.forEach(hide),
    purged: (delta) => {
      for (const message of [...known.values()]) {
        if (message.author.id === delta.account_id && message.id < delta.id) hide(message.message_id);
      }
    },
    erased: (delta) => {
      for (const message of [...known.values()]) if (delta.account_ids.includes(message.author.id)) hide(message.message_id);
    },
    reactions: (delta) => delta.message_id && alter(delta.message_id, { reactions: delta.totals }),
  };
  for (const delta of deltas) handlers[delta.kind]?.(delta);
  return { fresh: [...fresh.values()], changed, gone };
}
