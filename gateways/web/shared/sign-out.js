// Signing out ends the login session at the identity service, whichever service's page asks for it.
import { api } from "shared/api.js";
import { identity } from "shared/identity-api.js";
import { isAt, place } from "shared/places.js";
import { who } from "shared/rights.js";

const MARK = "kinolog_leaving"; // only pages of this host can set it: a link from elsewhere signs nobody out
const OUT = "/sign-in?out";

export async function signOut() {
  if (isAt("identity")) {
    await identity.signOut().catch(() => {});
    location.assign(OUT);
  } else if (who()?.account_id && place("identity")) {
    document.cookie = `${MARK}=1; path=/; max-age=60; samesite=strict`;
    location.assign(place("identity", OUT));
  } else {
    await api.closeSession().catch(() => {});
    location.assign("/");
  }
}

/** On the page that people are led to: ends the session if one of our pages sent them. */
export async function finishLeaving() {
  if (!document.cookie.split("; ").includes(`${MARK}=1`)) return;
  document.cookie = `${MARK}=; path=/; max-age=0; samesite=strict`;
  await identity.signOut().catch(() => {});
}
