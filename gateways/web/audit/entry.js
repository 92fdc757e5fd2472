// One act in words.
import { html, nothing } from "lit";
import { icon, idButton, when } from "shared/parts.js";

export const ACTS = {
  "account.open": "Opened an account",
  "account.change": "Changed an account",
  "link.issue": "Gave out a link",
  "account.erase": "Erased an account",
  "signing.rotate": "Replaced the signing key",
};
const ICONS = { "account.open": "user-round-plus", "account.change": "user-round-pen", "link.issue": "link", "account.erase": "eraser", "signing.rotate": "key-round" };
const RESULTS = { done: ["", "Done"], refused: ["failed", "Refused"], open: ["working", "Under way"] };

function verb(entry) {
  if (entry.act === "account.open") return "opened the account of";
  if (entry.act === "link.issue") return "gave out a password link for";
  if (entry.act === "account.erase") return "erased";
  if (entry.act === "signing.rotate") return "replaced the key for session tokens";
  if (entry.disabled === true) return "disabled";
  if (entry.disabled === false) return "enabled";
  return "changed the roles of";
}

export function entryRow(entry, names, about) {
  const [tone, label] = RESULTS[entry.result];
  const target = entry.account_id;
  return html`
    <li class="line" data-act=${entry.act}>
      ${icon(ICONS[entry.act] ?? "circle")}
      <div class="what">
        <p><strong>${names.of(entry.actor)}</strong> ${verb(entry)}
          ${target && entry.act !== "signing.rotate" ? html`<button class="linkish" type="button" title="Only what concerns this account" @click=${() => about(target)}>${names.of(target)}</button>` : nothing}
          ${entry.roles ? html`<span class="quiet">as ${entry.roles.join(", ") || "nobody in particular"}</span>` : nothing}</p>
        ${entry.reason ? html`<p class="reason">“${entry.reason}”</p>` : nothing}
        <p class="faint">${when(entry.at_ms)} · ${idButton(entry.id, "Request id")}${entry.code ? html` · ${entry.code.replaceAll("_", " ")}` : nothing}</p>
      </div>
      <span class="chip ${tone}">${label}</span>
    </li>`;
}
