// A room's settings, for those who moderate it.
import { toast } from "shared/announce.js";
import { html } from "shared/element.js";
import { dialogActions, dialogForm, openDialog } from "shared/dialog.js";
import { chat } from "./api.js";
import "./roster.js";

const MODES = [["open", "Everybody who is signed in"], ["followers", "Followers"], ["members", "Members"], ["emotes", "Everybody, emoji only"]];
const access = (ofFilm) => [["public", ofFilm ? "Everybody who may see the film" : "Everybody"], ["members", "Members only"]];
const SLOW = [[0, "Off"], [5, "5 s"], [10, "10 s"], [30, "30 s"], [60, "1 min"], [300, "5 min"], [900, "15 min"]];
const NUMBERS = ["slow_mode_s", "followers_min_s", "hold_first_messages", "report_threshold"];
const FLAGS = ["read_only", "archived"];

const options = (table, held) => (table.some(([value]) => value === held) ? table : [...table, [held, String(held)]])
  .map(([value, label]) => html`<option value=${value} ?selected=${value === held}>${label}</option>`);

const select = (name, label, table, settings) => html`
  <label for="set-${name}">${label}</label>
  <select class="select" id="set-${name}" name=${name}>${options(table, settings[name])}</select>`;

const number = (name, label, most, settings) => html`
  <label for="set-${name}">${label}</label>
  <div class="field"><input id="set-${name}" name=${name} type="number" min="0" max=${most} required .value=${String(settings[name])}></div>`;

const flag = (name, label, says, settings) => html`
  <label class="choice"><input type="checkbox" name=${name} ?checked=${settings[name]}><span>${label} <span class="faint">${says}</span></span></label>`;

/** A room whose title was forgotten has none to ask for. */
export const textFields = (settings, titled = true, ofFilm = false) => html`
  <label for="set-title">Title</label>
  <div class="field"><input id="set-title" name="title" ?required=${titled} maxlength="200" autofocus .value=${settings.title ?? ""}></div>
  <label for="set-topic">Topic <span class="faint">(optional)</span></label>
  <div class="field"><input id="set-topic" name="topic" maxlength="500" .value=${settings.topic ?? ""}></div>
  ${select("access", "Who may read", access(ofFilm), settings)}
  ${select("mode", "Who may write", MODES, settings)}`;

/** What is different from `settings`, as the API takes it. Pure. */
export function changesOf(fields, settings) {
  const said = { title: fields.get("title").trim(), topic: fields.get("topic").trim(), access: fields.get("access"), mode: fields.get("mode"), report_action: fields.get("report_action") };
  for (const name of NUMBERS) said[name] = Number(fields.get(name));
  for (const name of FLAGS) said[name] = fields.has(name);
  return Object.fromEntries(Object.entries(said).filter(([name, value]) => value !== settings[name]));
}

export async function openSettings(roomId) {
  let room;
  try {
    room = await chat.room(roomId);
  } catch (problem) {
    toast(problem.message);
    return;
  }
  const { settings } = room;
  const done = await openDialog("Room settings", (ask) => dialogForm(
    (fields) => ask.run(async () => {
      const change = changesOf(fields, settings);
      if (Object.keys(change).length) await chat.change(roomId, change);
    }),
    html`
      ${textFields(settings, Boolean(settings.title), room.asset_id !== null)}
      ${select("slow_mode_s", "Slow mode: one message each", SLOW, settings)}
      <details class="more-settings"><summary>More</summary><div class="dialog-form">
        ${number("followers_min_s", "Seconds that followers must have followed", 31_536_000, settings)}
        ${number("hold_first_messages", "First messages of a newcomer that wait for a moderator", 10, settings)}
        ${number("report_threshold", "Reports from which on a message stands out (0: never)", 20, settings)}
        ${select("report_action", "It is then", [["flag", "Shown to the moderators"], ["hold", "Taken out of the room until they decide"]], settings)}
      </div></details>
      ${flag("read_only", "Read only", "moderators alone may write", settings)}
      ${flag("archived", "Archived", "nobody may write any more", settings)}
      <kl-roster .room=${room}></kl-roster>
      ${dialogActions(ask, { label: "Save", busy: "Saving…" })}`), { cls: "wide-dialog" });
  if (done) toast("Settings saved");
}
