// Making, rotating and revoking API keys. A key's text is shown here, once, and nowhere else.
import { html } from "shared/element.js";
import { copy } from "shared/announce.js";
import { dialogActions, dialogForm, openDialog, secretField } from "shared/dialog.js";
import { identity } from "shared/identity-api.js";
import { icon } from "shared/parts.js";
import { permissionWords } from "shared/words.js";

const DAY_MS = 86_400_000;
const LASTS = [["30", "30 days"], ["90", "90 days"], ["365", "a year"], ["", "Until it is revoked"]];
const OVERLAPS = [["86400", "a day"], ["604800", "7 days"], ["3600", "an hour"], ["0", "not at all: at once"]];
const NOT_SCOPES = new Set(["public", "session"]);

const options = (table) => table.map(([value, label]) => html`<option value=${value}>${label}</option>`);

const showKey = (made) => openDialog(`Key “${made.name ?? made.prefix}”`, (ask) => html`
  <div class="dialog-form">
    <p class="quiet">Copy it now: it is shown this once. Kinolog keeps only its fingerprint.</p>
    ${secretField(made.api_key, () => copy(made.api_key, "API key"), "API key")}
    <p class="quiet">Send it as <code>Authorization: Bearer ${made.prefix}_…</code>.</p>
    <div class="dialog-actions"><button class="button" type="button" @click=${() => ask.close(true)}>Done</button></div>
  </div>`);

export async function createKey(permissions) {
  const scopes = permissions.filter((name) => !NOT_SCOPES.has(name));
  const made = await openDialog("New API key", (ask) => dialogForm((fields) => ask.run(() => {
    const days = Number(fields.get("days"));
    return identity.createKey({
      name: fields.get("name").trim(), scopes: fields.getAll("scope"), expires_at_ms: days ? Date.now() + days * DAY_MS : null,
    });
  }), html`
    <label for="key-name">Name</label>
    <div class="field">${icon("key-round")}<input id="key-name" name="name" required maxlength="200" placeholder="What uses it" autofocus></div>
    <fieldset class="choices" @change=${() => ask.draw()}><legend>Scopes</legend>
      ${scopes.map((scope) => html`<label class="choice"><input type="checkbox" name="scope" value=${scope}><span>${permissionWords(scope)} <code class="faint">${scope}</code></span></label>`)}
    </fieldset>
    <label for="key-days">Works for</label>
    <select id="key-days" name="days" class="select">${options(LASTS)}</select>
    ${dialogActions(ask, { label: "Make the key", busy: "Making…", blocked: !document.querySelector("wa-dialog [name=scope]:checked") })}`));
  return made ? showKey(made) : undefined;
}

export async function rotateKey(key) {
  const made = await openDialog(`Rotate “${key.name ?? key.prefix}”?`, (ask) => dialogForm(
    (fields) => ask.run(() => identity.rotateKey(key.id, Number(fields.get("overlap")))),
    html`
      <p class="quiet">You get a new key of the same name, scopes and expiry.</p>
      <label for="overlap">The old key goes on working for</label>
      <select id="overlap" name="overlap" class="select">${options(OVERLAPS)}</select>
      ${dialogActions(ask, { label: "Rotate", busy: "Rotating…" })}`));
  return made ? showKey(made) : undefined;
}

export const revokeKey = (key) => openDialog(`Revoke “${key.name ?? key.prefix}”?`, (ask) => dialogForm(
  () => ask.run(() => identity.revokeKey(key.id)),
  html`
    <p class="quiet">Programs that use it are refused from now on. This cannot be undone.</p>
    ${dialogActions(ask, { label: "Revoke", busy: "Revoking…", danger: true, keep: "Keep it" })}`));
