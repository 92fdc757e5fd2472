// What an administrator is asked before anything happens to an account. Reasons are shown in the audit.
import { html } from "shared/element.js";
import { copy } from "shared/announce.js";
import { dialogActions, dialogForm, openDialog, reasonField, reasonOf, secretField } from "shared/dialog.js";
import { identity } from "shared/identity-api.js";
import { icon, when } from "shared/parts.js";
import { who } from "shared/rights.js";
import { ROLES, personOf } from "shared/words.js";

const roleChoices = (held) => html`
  <fieldset class="choices"><legend>Roles</legend>${Object.entries(ROLES).map(([role, says]) => html`
    <label class="choice"><input type="checkbox" name="role" value=${role} ?checked=${held.includes(role)}><span>${role} <span class="faint">${says}</span></span></label>`)}</fieldset>`;

/** The token stands in the fragment: no server, proxy or log on the way gets to see it. */
const addressOf = (link) => `${location.origin}/redeem#${new URLSearchParams({ token: link.token })}`;

async function showLink(link, title, text) {
  const address = addressOf(link);
  await openDialog(title, (ask) => html`
    <div class="dialog-form">
      <p class="quiet">${text} It works once, and ends ${when(link.expires_at_ms)}. It is shown this once.</p>
      ${secretField(address, () => copy(address, "Link"), "One-time link")}
      <div class="dialog-actions"><button class="button" type="button" @click=${() => ask.close(true)}>Done</button></div>
    </div>`);
  return link;
}

export async function invite() {
  const link = await openDialog("Invite somebody", (ask) => dialogForm((fields) => ask.run(() => identity.invite({
    email: fields.get("email").trim(), display_name: fields.get("display_name").trim() || null,
    roles: fields.getAll("role"), reason: reasonOf(fields),
  })), html`
    <label for="invite-email">Address</label>
    <div class="field">${icon("mail")}<input id="invite-email" name="email" type="email" required maxlength="320" autocomplete="off" autofocus></div>
    <label for="invite-name">Name <span class="faint">(optional)</span></label>
    <div class="field">${icon("user-round")}<input id="invite-name" name="display_name" maxlength="200" autocomplete="off"></div>
    ${roleChoices(["viewer"])}
    ${reasonField}
    ${dialogActions(ask, { label: "Make the link", busy: "Making…" })}`));
  return link && showLink(link, "Invitation", "Send this link to the person: it lets them choose a password.");
}

export async function link(user) {
  const invited = user.state === "invited";
  const made = await openDialog(invited ? `New invitation for ${personOf(user)}?` : `Reset the password of ${personOf(user)}?`, (ask) => dialogForm(
    (fields) => ask.run(() => identity.resetLink(user.id, reasonOf(fields))),
    html`
      <p class="quiet">${invited ? "The link given out before stops working." : "You get a link to send them. Their password stays until they use it."}</p>
      ${reasonField}
      ${dialogActions(ask, { label: "Make the link", busy: "Making…" })}`));
  return made && showLink(made, invited ? "Invitation" : "Password reset", "Send this link to the person: it lets them choose a password.");
}

export const roles = (user) => openDialog(`Roles of ${personOf(user)}`, (ask) => dialogForm(
  (fields) => ask.run(() => identity.changeUser(user.id, { roles: fields.getAll("role"), reason: reasonOf(fields) })),
  html`${roleChoices(user.roles)}${reasonField}${dialogActions(ask, { label: "Save", busy: "Saving…" })}`));

const turned = (user, disabled) => (ask) => dialogForm(
  (fields) => ask.run(() => identity.changeUser(user.id, { disabled, reason: reasonOf(fields) })),
  html`
    <p class="quiet">${disabled ? "Their sessions end within a second, their keys stop working, and they cannot sign in until somebody enables the account." : "They may sign in again with their password; their keys work again."}</p>
    ${reasonField}
    ${dialogActions(ask, { label: disabled ? "Disable" : "Enable", danger: disabled })}`);

export const disable = (user) => openDialog(`Disable ${personOf(user)}?`, turned(user, true));
export const enable = (user) => openDialog(`Enable ${personOf(user)}?`, turned(user, false));

/** Who may get the films of somebody who is erased: oneself first, then others whose account works. */
async function heirsOf(user) {
  const me = who()?.account_id ?? null;
  const { items } = await identity.users("", 200).catch(() => ({ items: [] }));
  const others = items.filter((one) => one.state === "active" && one.id !== user.id && one.id !== me);
  const self = me === null || me === user.id ? [] : [[me, "me"]];
  return [...self, ...others.map((one) => [one.id, personOf(one)])];
}

const filmsChoice = (heirs) => html`
  <fieldset class="choices"><legend>Films</legend>
    <label class="choice"><input type="radio" name="films" value="delete" checked><span>Delete them <span class="faint">for everybody, with their media</span></span></label>
    ${heirs.length ? html`<label class="choice"><input type="radio" name="films" value="transfer"><span>Keep them <span class="faint">for somebody else</span></span></label>` : ""}
  </fieldset>
  ${heirs.length ? html`<label for="heir" class="heir">Who gets them</label>
    <select id="heir" name="heir_id" class="select heir">${heirs.map(([id, name]) => html`<option value=${id}>${name}</option>`)}</select>` : ""}`;

/** What becomes of the films, as the API takes it. */
const filmsOf = (fields) => (fields.get("films") === "transfer" ? { films: "transfer", heir_id: fields.get("heir_id") } : { films: "delete" });

export async function erase(user) {
  const typed = user.email ?? user.id;
  const heirs = await heirsOf(user);
  return openDialog(`Erase ${personOf(user)}?`, (ask) => dialogForm(
    (fields) => ask.run(() => identity.eraseUser(user.id, { reason: reasonOf(fields), ...filmsOf(fields) })),
    html`
      <p class="quiet">Everything that tells who this person is is forgotten for ever, from the log too. Nobody can bring the account back.</p>
      <label for="typed">Type <strong>${typed}</strong> to confirm</label>
      <div class="field"><input id="typed" autocomplete="off" spellcheck="false" autocapitalize="none" autofocus @input=${() => ask.draw()}></div>
      ${filmsChoice(heirs)}
      ${reasonField}
      ${dialogActions(ask, { label: "Erase for ever", busy: "Erasing…", danger: true, keep: "Keep it", blocked: document.getElementById("typed")?.value !== typed })}`));
}
