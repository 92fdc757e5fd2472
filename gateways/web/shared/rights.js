// What this session may do. The server decides each time; here it only keeps pages from offering what it would refuse.
import { api } from "shared/api.js";
import { ready } from "shared/session.js";

let held = null; // null: not known yet
let session = null;

/** Fires "change" when the permissions have been read, also anew after somebody signed in. */
export const rights = new EventTarget();

/** Whose session this is: `{account_id, name, roles, subject}`; null: nobody's, undefined: not known yet. */
export const who = () => (held === null ? undefined : session);

/** Whether to offer what needs `permission`. Not before the answer is there: nothing shall appear and go away. */
export const may = (permission) => held?.has(permission) ?? false;

/** Whether to offer signing in with a key in place of what needs `permission`. */
export const lacks = (permission) => held !== null && !held.has(permission);

/** Whether to offer what needs `permission` for everything, or `permission:own` for what is one's own. */
export const mayDo = (permission, asset) =>
  may(permission) || (may(`${permission}:own`) && Boolean(asset.owner_id) && asset.owner_id === who()?.account_id);

/** Whether the film is somebody else's: what is done to it is told in the audit, so pages ask for a reason. */
export const isOthers = (asset) => (asset.owner_id ?? null) !== (who()?.account_id ?? null);

async function read() {
  try {
    session = await api.session();
    held = new Set(session.permissions);
  } catch (problem) {
    // nobody is signed in: the first request for data asks. Any other trouble shall not take the buttons away.
    session = null;
    held = problem.refused ? new Set() : { has: () => true };
  }
  rights.dispatchEvent(new Event("change"));
}

ready.then(read);
addEventListener("kinolog-session", read);
