// One act in words.
import { html, nothing } from "lit";
import { shortId } from "shared/format.js";
import { icon, idButton, when } from "shared/parts.js";
import { place } from "shared/places.js";

export const ACTS = {
  "account.open": "Opened an account",
  "account.change": "Changed an account",
  "link.issue": "Gave out a link",
  "account.erase": "Erased an account",
  "signing.rotate": "Replaced the signing key",
  "asset.change": "Changed a film",
  "asset.delete": "Deleted a film",
  "asset.transfer": "Gave a film to somebody else",
};
const ICONS = { "account.open": "user-round-plus", "account.change": "user-round-pen", "link.issue": "link", "account.erase": "eraser", "signing.rotate": "key-round", "asset.change": "pencil", "asset.delete": "trash-2", "asset.transfer": "arrow-right-left" };
const RESULTS = { done: ["", "Done"], refused: ["failed", "Refused"], open: ["working", "Under way"] };

function verb(entry) {
  if (entry.act === "account.open") return "opened the account of";
  if (entry.act === "link.issue") return "gave out a password link for";
  if (entry.act === "account.erase") return "erased";
  if (entry.act === "signing.rotate") return "replaced the key for session tokens";
  if (entry.act === "asset.change") return html`changed film ${film(entry.asset_id)} of`;
  if (entry.act === "asset.delete") return html`deleted film ${film(entry.asset_id)} of`;
  if (entry.act === "asset.transfer") return html`took film ${film(entry.asset_id)} from`;
  if (entry.disabled === true) return "disabled";
  if (entry.disabled === false) return "enabled";
  return "changed the roles of";
}

/** What was asked for besides: who may see a film, its title, who gets what an erased person leaves. */
function wish(entry, names) {
  const heir = names.of(entry.heir_id ?? "administrator");
  if (entry.act === "asset.transfer") return `for ${heir}`;
  if (entry.act === "account.erase" && entry.films) return entry.films === "delete" ? "with all films" : `with all films left to ${heir}`;
  return [entry.title && `title “${entry.title}”`, entry.visibility].filter(Boolean).join(", ");
}

const film = (id) => html`<a class="linkish mono" href=${place("streaming", `/assets/${encodeURIComponent(id)}/log`) ?? `/assets/${id}/log`} title="Events of film ${id}">${shortId(id)}</a>`;

export function entryRow(entry, names, about) {
  const [tone, label] = RESULTS[entry.result];
  const target = entry.account_id;
  const more = wish(entry, names);
  return html`
    <li class="line" data-act=${entry.act}>
      ${icon(ICONS[entry.act] ?? "circle")}
      <div class="what">
        <p><strong>${names.of(entry.actor)}</strong> ${verb(entry)}
          ${target && entry.act !== "signing.rotate" ? html`<button class="linkish" type="button" title="Only what concerns this account" @click=${() => about(target)}>${names.of(target)}</button>` : nothing}
          ${!target && entry.asset_id ? "the administrator" : nothing}
          ${more ? html`<span class="quiet">${more}</span>` : nothing}
          ${entry.roles ? html`<span class="quiet">as ${entry.roles.join(", ") || "nobody in particular"}</span>` : nothing}</p>
        ${entry.reason ? html`<p class="reason">“${entry.reason}”</p>` : nothing}
        <p class="faint">${when(entry.at_ms)} · ${idButton(entry.id, "Request id")}${entry.code ? html` · ${entry.code.replaceAll("_", " ")}` : nothing}</p>
      </div>
      <span class="chip ${tone}">${label}</span>
    </li>`;
}
