// What moderators do to people: presets at hand, the rest behind one dialog.
import { toast } from "shared/announce.js";
import { html } from "shared/element.js";
import { dialogActions, dialogForm, openDialog } from "shared/dialog.js";
import { span } from "shared/format.js";
import { chat } from "./api.js";
import { nameOf } from "./text.js";

/** Entries of a menu; `moderate` does what they say. */
export const MODERATION = [
  ["timeout-60", "Time out for 1 min"],
  ["timeout-600", "Time out for 10 min"],
  ["timeout-86400", "Time out for 1 day"],
  ["ban", "Ban…", "danger"],
  ["shadow", "Hide from others…", "danger"],
  ["purge", "Remove all their messages…", "danger"],
];

const TEXTS = {
  ban: {
    title: (name) => `Ban ${name}?`, label: "Ban", busy: "Banning…", done: (name) => `${name} is banned`,
    says: "They may not write here until somebody lifts it. Their messages stay unless you remove them.",
  },
  shadow: {
    title: (name) => `Hide ${name} from others?`, label: "Hide them", busy: "One moment…", done: (name) => `Others no longer see what ${name} writes`,
    says: "They go on writing and see their own messages; nobody else does, and nobody tells them.",
  },
};

const wideChoices = html`
  <fieldset class="choices"><legend>Also whoever writes from the same</legend>
    <label class="choice"><input type="checkbox" name="with_device"><span>Browser <span class="faint">told by a keyed hash; others with the same one may be hit</span></span></label>
    <label class="choice"><input type="checkbox" name="with_network"><span>Network <span class="faint">a whole household or company may be hit</span></span></label>
  </fieldset>`;

const sanctioned = (kind, roomId, author) => {
  const words = TEXTS[kind];
  const name = nameOf(author);
  return openDialog(words.title(name), (ask) => dialogForm(
    (fields) => ask.run(() => chat.sanction(roomId, {
      account_id: author.id, kind, with_device: fields.has("with_device"), with_network: fields.has("with_network"),
    })),
    html`<p class="quiet">${words.says}</p>${wideChoices}
      ${dialogActions(ask, { label: words.label, busy: words.busy, danger: true })}`)).then((done) => done && toast(words.done(name)));
};

const purged = (roomId, author) => openDialog(`Remove all messages of ${nameOf(author)}?`, (ask) => dialogForm(
  () => ask.run(() => chat.purge(roomId, author.id)),
  html`<p class="quiet">Everything they ever wrote in this room disappears: here, in its history, and in the replay beside the film.</p>
    ${dialogActions(ask, { label: "Remove all", busy: "Removing…", danger: true })}`)).then((done) => done && toast("Their messages are removed"));

/** Does what an entry of MODERATION (or "lift") says. Rejects with a Problem. */
export async function moderate(what, roomId, author) {
  if (what === "purge") return purged(roomId, author);
  if (TEXTS[what]) return sanctioned(what, roomId, author);
  if (what === "lift") {
    await chat.sanction(roomId, { account_id: author.id, kind: "lift" });
    toast(`${nameOf(author)} may write again`);
    return true;
  }
  const seconds = Number(what.replace("timeout-", ""));
  await chat.sanction(roomId, { account_id: author.id, kind: "timeout", duration_s: seconds });
  toast(`${nameOf(author)} may not write for ${seconds === 86_400 ? "a day" : span(seconds)}`);
  return true;
}
