// Who is signed in, and what they may go to: the last entry of the bar.
import { html, nothing } from "lit";
import { offerSignIn } from "shared/api.js";
import { openEarly } from "shared/menus.js";
import { icon } from "shared/parts.js";
import { place } from "shared/places.js";
import { may, who } from "shared/rights.js";
import { signOut } from "shared/sign-out.js";

const ENTRANCES = new Set(["sign-in", "redeem"]); // pages for those who are not in yet
const CALLED = { administrator: "Administrator", "watch-link": "Guest" };
const nameOf = (session) => session.name ?? CALLED[session.subject] ?? "Signed in";

const initials = (name) => name.split(/[\s.@_-]+/u).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");

const go = (event) => {
  const { value } = event.detail.item;
  if (value === "out") signOut();
  else location.assign(place("identity", value));
};

const item = (value, symbol, label) => html`<wa-dropdown-item value=${value}><wa-icon slot="icon" name=${symbol}></wa-icon>${label}</wa-dropdown-item>`;

export function accountEntry() {
  const session = who();
  if (session === undefined) return html`<span class="entry" aria-hidden="true">${icon("circle-user-round")}<span class="skeleton line"></span></span>`;
  if (session === null) {
    return ENTRANCES.has(document.body.dataset.page) ? nothing : html`<button class="entry" type="button" @click=${offerSignIn}>${icon("log-in")}Sign in</button>`;
  }
  const name = nameOf(session);
  const pages = place("identity") !== null;
  return html`
    <wa-dropdown class="me" placement="right-end" @wa-select=${go}>
      <button slot="trigger" class="entry" type="button" title=${name} @click=${openEarly}>
        <span class="initials" data-letters=${initials(name)}></span><span class="called">${name}</span><span class="visually-hidden">account menu</span>
      </button>
      <div class="menu-head"><strong>${name}</strong><span class="faint">${session.roles?.length ? session.roles.join(", ") : session.account_id ? "no role" : session.subject === "administrator" ? "by API key" : "by a watch link"}</span></div>
      ${pages && session.account_id ? item("/account", "user-round", "Account") : nothing}
      ${pages && may("users:read") ? item("/users", "users-round", "Users") : nothing}
      ${pages && may("audit:read") ? item("/audit", "scroll-text", "Audit") : nothing}
      ${item("out", "log-out", "Sign out")}
    </wa-dropdown>`;
}
