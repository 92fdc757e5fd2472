// One account in the list.
import { html, nothing } from "lit";
import { copy } from "shared/announce.js";
import { count } from "shared/format.js";
import { openEarly } from "shared/menus.js";
import { icon, when } from "shared/parts.js";
import { hasDrm } from "shared/drm-api.js";
import { paths } from "shared/licence-words.js";
import { may } from "shared/rights.js";
import { personOf } from "shared/words.js";

const STATES = { active: ["", "Active"], invited: ["warn", "Invited"], disabled: ["failed", "Disabled"], erased: ["", "Erased"] };

const HERE = {
  watching: (user) => location.assign(paths.account(user.id)),
  id: (user) => copy(user.id, "Account id"),
  audit: (user) => location.assign(`/audit?${new URLSearchParams({ account_id: user.id })}`),
};

const item = (value, symbol, label, variant) => html`<wa-dropdown-item value=${value} variant=${variant ?? "default"}><wa-icon slot="icon" name=${symbol}></wa-icon>${label}</wa-dropdown-item>`;

function menu(user, act) {
  const choose = (event) => {
    const { value } = event.detail.item;
    if (HERE[value]) HERE[value](user);
    else act(value);
  };
  const disabled = user.state === "disabled";
  return html`
    <wa-dropdown placement="bottom-end" @wa-select=${choose}>
      <button slot="trigger" class="icon-button" type="button" aria-label="More for ${personOf(user)}" @click=${openEarly}>${icon("ellipsis-vertical")}</button>
      ${may("users:write") ? html`
        ${item("roles", "shield-check", "Roles…")}
        ${disabled ? nothing : item("link", "link", user.state === "invited" ? "New invitation link…" : "Password reset link…")}
        ${disabled ? item("enable", "user-round-check", "Enable…") : item("disable", "user-round-x", "Disable…")}` : nothing}
      ${may("audit:read") ? item("audit", "scroll-text", "Audit") : nothing}
      ${hasDrm() && may("drm:read") ? item("watching", "monitor-smartphone", "Devices and rights") : nothing}
      ${item("id", "copy", "Copy id")}
      ${may("users:write") ? item("erase", "eraser", "Erase…", "danger") : nothing}
    </wa-dropdown>`;
}

export function userRow(user, act) {
  const [tone, label] = STATES[user.state] ?? ["", user.state];
  return html`
    <li class="line" data-id=${user.id}>
      <div class="what"><strong>${personOf(user)}</strong>${user.display_name && user.email ? html`<span class="faint">${user.email}</span>` : nothing}</div>
      <span class="chips roles">${user.roles.length ? user.roles.map((role) => html`<span class="chip">${role}</span>`) : html`<span class="faint">no role</span>`}</span>
      <span class="faint numbers">${count(user.session_count, "session")}, ${count(user.api_key_count, "key")}</span>
      <span class="faint since">${when(user.created_at_ms)}</span>
      <span class="state"><span class="chip ${tone}">${label}</span></span>
      ${menu(user, act)}
    </li>`;
}

export const skeletonRow = () => html`<li class="line" aria-hidden="true"><div class="what"><span class="skeleton line"></span></div><span class="skeleton line short"></span></li>`;
