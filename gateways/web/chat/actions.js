// What can be done to a message, and by whom.
import { copy, toast } from "shared/announce.js";
import { html } from "shared/element.js";
import { dialogActions, dialogForm, openDialog } from "shared/dialog.js";
import { chat } from "./api.js";
import { blocked, setBlocked } from "./blocks.js";
import { pickReaction } from "./emoji.js";
import { chooseFrom } from "./popover.js";
import { MODERATION, moderate } from "./moderation.js";
import { showPerson } from "./person.js";
import { nameOf } from "./text.js";

const REASONS = [["spam", "Spam or advertising"], ["abuse", "Abuse or hatred"], ["spoiler", "A spoiler"], ["other", "Something else"]];

const told = (text) => () => toast(text);
const trouble = (problem) => toast(problem.message);

function entriesFor(message, store) {
  const { you } = store;
  const { id } = message.author;
  const mine = id === you.account_id;
  const pinned = store.pinned.some((pin) => pin.message_id === message.message_id);
  return [
    ...(you.may_write ? [["reply", "Reply"], ["react", "React…"]] : []),
    ["copy", "Copy text"],
    ...(mine ? [["edit", "Edit"], ["remove", "Remove", "danger"]] : []),
    ...(!mine && you.account_id ? [["report", "Report…"]] : []),
    ...(mine || !you.account_id ? [] : [["block", blocked.has(id) ? `Unblock ${nameOf(message.author)}` : `Block ${nameOf(message.author)}`]]),
    ...(you.moderator ? [null, ["about", `About ${nameOf(message.author)}…`], [pinned ? "unpin" : "pin", pinned ? "Unpin" : "Pin"], ...(mine ? [] : [["remove", "Remove", "danger"], ...MODERATION])] : []),
  ];
}

export const report = (roomId, message) => openDialog("Report this message?", (ask) => dialogForm(
  (fields) => ask.run(() => chat.report(roomId, message.message_id, fields.get("reason"))),
  html`
    <p class="quiet">The moderators of this room see it. The author is not told who reported it.</p>
    <blockquote class="quoted">${nameOf(message.author)}: ${message.text}</blockquote>
    <fieldset class="choices"><legend>What is wrong with it</legend>${REASONS.map(([value, label], at) => html`
      <label class="choice"><input type="radio" name="reason" value=${value} ?checked=${at === 0}><span>${label}</span></label>`)}</fieldset>
    ${dialogActions(ask, { label: "Report", busy: "Reporting…" })}`)).then((done) => done && toast("Reported"));

/** Opens the menu of `message` at `anchor`. `panel` has `reply(message)`, `startEdit(message)` and `redraw()`. */
export async function menuOf(anchor, message, store, panel) {
  const chosen = await chooseFrom(anchor, `The message of ${nameOf(message.author)}`, entriesFor(message, store));
  const { roomId } = store;
  const { message_id: messageId, author } = message;
  const acts = {
    reply: () => panel.reply(message),
    edit: () => panel.startEdit(message),
    react: async () => {
      const reaction = await pickReaction(anchor);
      if (reaction) store.react(reaction, messageId);
    },
    copy: () => copy(message.text, "Text"),
    remove: () => chat.remove(roomId, messageId).then(told("Removed")),
    report: () => report(roomId, message),
    block: async () => {
      await setBlocked(author.id, !blocked.has(author.id));
      panel.redraw();
    },
    about: () => showPerson(roomId, author.id),
    pin: () => chat.pin(roomId, messageId).then(told("Pinned")),
    unpin: () => chat.unpin(roomId, messageId).then(told("Unpinned")),
  };
  try {
    if (acts[chosen]) await acts[chosen]();
    else if (chosen) await moderate(chosen, roomId, author);
  } catch (problem) {
    trouble(problem);
  }
}
