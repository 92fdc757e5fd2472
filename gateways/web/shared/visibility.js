// Who may see a film: the words for it, and how those who may change it do.
import { html, nothing } from "lit";
import { toast } from "shared/announce.js";
import { api } from "shared/api.js";
import { dialogActions, dialogForm, openDialog, reasonField, reasonOf } from "shared/dialog.js";
import { openEarly } from "shared/menus.js";
import { icon } from "shared/parts.js";
import { isOthers, mayDo } from "shared/rights.js";

const KINDS = {
  private: { label: "Only you", icon: "lock", says: "its owner only" },
  unlisted: { label: "Anyone with the link", icon: "link", says: "anyone with the link" },
  public: { label: "Public", icon: "globe", says: "everybody" },
};

export const mayShare = (asset) => mayDo("assets:change", asset);

const kindOf = (asset) => KINDS[asset.visibility] ?? KINDS.private;

/** What a film on a shelf shows of it: nothing for what is private, as most are. */
export const visibilityBadge = (asset) =>
  asset.visibility === "unlisted" || asset.visibility === "public"
    ? html`<span class="badge top">${icon(kindOf(asset).icon)}${kindOf(asset).label}</span>`
    : nothing;

/** Entries of a menu, the present one marked; their values begin with "show-". */
export const visibilityItems = (asset) =>
  Object.entries(KINDS).map(([name, kind]) => html`
    <wa-dropdown-item value="show-${name}" aria-current=${asset.visibility === name ? "true" : nothing}>
      <wa-icon slot="icon" name=${asset.visibility === name ? "check" : kind.icon}></wa-icon>${kind.label}</wa-dropdown-item>`);

/** Somebody else's film: what was asked for, with the reason; undefined if the person thought better of it. */
const withReason = (asset, visibility) =>
  openDialog(`Change who may see “${asset.title}”?`, (ask) => dialogForm(
    (fields) => ask.run(() => api.change(asset.id, { visibility, reason: reasonOf(fields) })),
    html`
      <p class="quiet">This film is somebody else’s. Who may see it from now on: ${KINDS[visibility].says}.</p>
      ${reasonField}
      ${dialogActions(ask, { label: "Change", busy: "Changing…" })}`));

/** Resolves to the asset as it is after the choice of a "show-…" entry; a refusal is told, and changes nothing. */
export async function chooseVisibility(asset, value) {
  const visibility = value.replace("show-", "");
  if (visibility === asset.visibility) return asset;
  try {
    const answer = await (isOthers(asset) ? withReason(asset, visibility) : api.change(asset.id, { visibility }));
    if (!answer) return asset;
    toast(`Who may see it: ${KINDS[visibility].label}`);
    return answer.asset ?? { ...asset, visibility };
  } catch (problem) {
    toast(problem.message);
    return asset;
  }
}

/** The button beside a film's title, with its menu; `onChange(asset)` gets the film as it is then. */
export function visibilityMenu(asset, onChange) {
  if (!mayShare(asset)) return nothing;
  const choose = async (event) => onChange(await chooseVisibility(asset, event.detail.item.value));
  return html`
    <wa-dropdown placement="bottom-end" @wa-select=${choose}>
      <button slot="trigger" class="button" type="button" aria-label="Who may see it: ${kindOf(asset).label}" @click=${openEarly}>${icon(kindOf(asset).icon)}${kindOf(asset).label}</button>
      ${visibilityItems(asset)}
    </wa-dropdown>`;
}
