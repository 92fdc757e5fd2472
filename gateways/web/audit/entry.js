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
  "asset.protect": "Protected a film",
  "asset.delete": "Deleted a film",
  "asset.transfer": "Gave a film to somebody else",
  "chat.sanction": "Sanctioned somebody in a room",
  "chat.purge": "Removed all messages of somebody",
  "chat.remove": "Removed messages",
  "chat.review": "Reviewed messages",
  "chat.pin": "Pinned a message",
  "chat.room": "Changed a room's settings",
  "chat.screening": "Changed a room's screening rules",
  "chat.moderators": "Changed who moderates a room",
  "chat.members": "Changed who is in a room",
  "drm.policy": "Changed a policy",
  "drm.access": "Changed who may watch a film",
  "drm.stop": "Switched licences of somebody",
  "drm.right": "Changed a right to a film",
  "drm.device": "Forgot a device",
  "drm.stream": "Ended what played",
};
const ICONS = { "account.open": "user-round-plus", "account.change": "user-round-pen", "link.issue": "link", "account.erase": "eraser", "signing.rotate": "key-round", "asset.change": "pencil", "asset.protect": "lock", "asset.delete": "trash-2", "asset.transfer": "arrow-right-left",
  "chat.sanction": "gavel", "chat.purge": "brush-cleaning", "chat.remove": "message-square-x", "chat.review": "clipboard-check", "chat.pin": "pin", "chat.room": "settings-2", "chat.screening": "funnel", "chat.moderators": "shield", "chat.members": "users",
  "drm.policy": "scroll-text", "drm.access": "ticket", "drm.stop": "power", "drm.right": "ticket", "drm.device": "monitor-x", "drm.stream": "circle-stop" };
const SANCTIONS = { timeout: "timed out", ban: "banned", shadow: "shadow banned", lift: "lifted the sanction of" };
const RESULTS = { done: ["", "Done"], refused: ["failed", "Refused"], open: ["working", "Under way"] };

/** What was done in a chat room; of acts without an account the sentence is whole. */
function chatVerb(entry) {
  switch (entry.act) {
    case "chat.sanction": return SANCTIONS[entry.sanction];
    case "chat.purge": return "removed all messages of";
    case "chat.remove": return "removed messages of";
    case "chat.review": return entry.on ? "let messages through" : "turned messages down";
    case "chat.pin": return entry.on ? "pinned a message of" : "unpinned a message";
    case "chat.room": return "changed settings";
    case "chat.screening": return "changed the screening rules";
    case "chat.moderators": return entry.on ? "made a moderator of" : "took moderation from";
    default: return entry.on ? "made a member of" : "ended the membership of";
  }
}

const RIGHTS = { bought: "sold", rented: "rented", member: "opened", none: "took back" };

/** What was done about licences. */
function drmVerb(entry) {
  switch (entry.act) {
    case "drm.policy": return html`changed policy ${entry.policy_id}`;
    case "drm.access": return html`${entry.on === null ? "changed who may watch" : entry.on ? "switched off" : "switched on"} film ${film(entry.asset_id)} of`;
    case "drm.stop": return html`switched licences ${entry.on ? "off" : "on"} ${entry.device_id ? html`for device ${entry.device_id}` : nothing} of`;
    case "drm.right": return html`${RIGHTS[entry.right]} ${entry.asset_id === "*" ? "all films for members" : html`film ${film(entry.asset_id)}`} ${entry.right === "none" ? "from" : "to"}`;
    case "drm.device": return html`forgot device ${entry.device_id} of`;
    default: return "ended what played for";
  }
}

function verb(entry) {
  if (entry.act.startsWith("drm.")) return drmVerb(entry);
  if (entry.room_id) return chatVerb(entry);
  if (entry.act === "account.open") return "opened the account of";
  if (entry.act === "link.issue") return "gave out a password link for";
  if (entry.act === "account.erase") return "erased";
  if (entry.act === "signing.rotate") return "replaced the key for session tokens";
  if (entry.act === "asset.change") return html`changed film ${film(entry.asset_id)} of`;
  if (entry.act === "asset.protect") return html`protected film ${film(entry.asset_id)} of`;
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
  if (entry.settings) return entry.settings.join(", ").replaceAll("_", " ");
  return [entry.title && `title “${entry.title}”`, entry.visibility, entry.access, entry.act === "drm.access" && entry.policy_id && `policy ${entry.policy_id}`].filter(Boolean).join(", ");
}

const film = (id) => html`<a class="linkish mono" href=${place("streaming", `/assets/${encodeURIComponent(id)}/log`) ?? `/assets/${id}/log`} title="Events of film ${id}">${shortId(id)}</a>`;
const room = (id) => html` in room <a class="linkish mono" href=${place("chat", `/rooms/${encodeURIComponent(id)}`) ?? `/rooms/${id}`} title="Room ${id}">${shortId(id.slice(2))}</a>`;

export function entryRow(entry, names, about) {
  const [tone, label] = RESULTS[entry.result];
  const targets = entry.account_ids ?? [entry.account_id].filter(Boolean);
  const more = wish(entry, names);
  return html`
    <li class="line" data-act=${entry.act}>
      ${icon(ICONS[entry.act] ?? "circle")}
      <div class="what">
        <p><strong>${names.of(entry.actor)}</strong> ${verb(entry)}
          ${["signing.rotate", "drm.policy"].includes(entry.act) ? nothing : targets.map((target, at) => html`${at ? ", " : ""}<button class="linkish" type="button" title="Only what concerns this account" @click=${() => about(target)}>${names.of(target)}</button>`)}
          ${!targets.length && entry.asset_id && entry.act !== "drm.right" ? "the administrator" : nothing}${entry.room_id ? room(entry.room_id) : nothing}
          ${more ? html`<span class="quiet">${more}</span>` : nothing}
          ${entry.roles ? html`<span class="quiet">as ${entry.roles.join(", ") || "nobody in particular"}</span>` : nothing}</p>
        ${entry.reason ? html`<p class="reason">“${entry.reason}”</p>` : nothing}
        <p class="faint">${when(entry.at_ms)} · ${idButton(entry.id, "Request id")}${entry.code ? html` · ${entry.code.replaceAll("_", " ")}` : nothing}</p>
      </div>
      <span class="chip ${tone}">${label}</span>
    </li>`;
}
