// Messages around one that was found: where a search leads to.
import { chat } from "./api.js";

const EACH_SIDE = 25;

/** Resolves to messages in order, `message` among them (if it is still there). Rejects with a Problem. */
export async function around(roomId, message) {
  const [before, after] = await Promise.all([
    chat.messages(roomId, { before: message.id, limit: EACH_SIDE }),
    chat.messages(roomId, { after: Math.max(0, message.id - 1), limit: EACH_SIDE }),
  ]);
  const byId = new Map([...before.items, ...after.items].map((item) => [item.message_id, { kind: "message", ...item }]));
  return [...byId.values()].toSorted((one, other) => one.id - other.id);
}
