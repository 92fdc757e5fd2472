// Whom this person does not want to read. The server keeps the list; pages leave their messages out, since what a
// room says is the same for everybody.
import { chat } from "./api.js";

export const blocked = new Set();

/** The list as the server has it. */
export function knowBlocked(accountIds) {
  blocked.clear();
  for (const accountId of accountIds) blocked.add(accountId);
}

/** Rejects with a Problem; the list is as it was then. */
export async function setBlocked(accountId, on) {
  await (on ? chat.block(accountId) : chat.unblock(accountId));
  if (on) blocked.add(accountId);
  else blocked.delete(accountId);
}
