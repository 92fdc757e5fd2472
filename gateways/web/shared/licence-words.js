// Access, systems and denials in words. What is not known here is shown by its own name.
import { place } from "shared/places.js";

export const ACCESS = {
  free: ["Free", "whoever may see the film"],
  members: ["Members", "accounts with a membership, or with a right to this film"],
  rental: ["Rental", "accounts that rented or bought it"],
  purchase: ["Purchase", "accounts that bought it"],
};
export const SCHEMES = { cenc: "cenc (AES-CTR)", cbcs: "cbcs (AES-CBC pattern)" };
export const SYSTEMS = { clearkey: "Clear Key", widevine: "Widevine", playready: "PlayReady", fairplay: "FairPlay" };
export const LABELS = { audio: "Sound", sd: "Pictures up to 576p", hd: "Pictures up to 1080p", uhd: "Pictures above 1080p" };
export const RIGHTS = { bought: "Bought", rented: "Rented", member: "Membership" };
export const CODES = {
  account_stopped: "Account switched off",
  device_stopped: "Device switched off",
  asset_stopped: "Film switched off",
  no_such_key: "No key of this film",
  no_right: "No right to the film",
  right_ended: "The right has ended",
  too_early: "Too early",
  too_late: "Too late",
  country_denied: "Not from this country",
  country_unknown: "Country not known",
  anonymiser_denied: "VPN, proxy or unknown network",
  device_denied: "Device not allowed",
  system_denied: "System not allowed",
  not_configured: "System not set up here",
  offline_denied: "Not to be kept on a device",
  security_level: "Device not secure enough",
  unenforceable: "The system cannot enforce a rule",
  too_many_devices: "Too many devices",
  too_many_streams: "Too many films at once",
  token_used: "Token used before",
};

export const systemName = (name) => SYSTEMS[name] ?? name;
export const codeName = (code) => CODES[code] ?? code.replaceAll("_", " ");

const id = encodeURIComponent;
const at = (path) => place("streaming", path) ?? path;
export const paths = {
  policies: () => at("/rights"),
  policy: (policyId) => at(`/rights/policies/${id(policyId)}`),
  licences: (filter = {}) => at(`/rights/licences${Object.keys(filter).length ? `?${new URLSearchParams(filter)}` : ""}`),
  account: (accountId) => at(`/rights/accounts/${id(accountId)}`),
  film: (assetId) => at(`/assets/${id(assetId)}/protection`),
};
