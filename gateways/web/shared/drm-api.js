// Paths of the drm service: an address of another origin than the page's own.
import { request } from "shared/api.js";
import { place } from "shared/places.js";

const id = encodeURIComponent;
const ask = (path, options) => request(place("drm", path), options);
const put = (path, json) => ask(path, { method: "PUT", json });
const gone = (path) => ask(path, { method: "DELETE" });
const account = (accountId) => `/v1/accounts/${id(accountId)}`;

/** Whether this platform gives licences at all. */
export const hasDrm = () => place("drm") !== null;

export const drm = {
  policies: () => ask("/v1/policies"),
  policy: (policyId) => ask(`/v1/policies/${id(policyId)}`),
  policyVersions: (policyId, before) => ask(`/v1/policies/${id(policyId)}/versions${before ? `?${new URLSearchParams({ before })}` : ""}`),
  setPolicy: (policyId, replaces, rules) => put(`/v1/policies/${id(policyId)}`, { replaces, rules }),

  film: (assetId) => ask(`/v1/films/${id(assetId)}`),
  changeFilm: (assetId, change) => ask(`/v1/films/${id(assetId)}`, { method: "PATCH", json: change }),
  stopFilm: (assetId, stopped, reason) => put(`/v1/films/${id(assetId)}/stop`, { stopped, reason }),
  decide: (trial) => ask("/v1/decisions", { method: "POST", json: trial }),
  licences: (filter) => ask(`/v1/licences?${new URLSearchParams(Object.entries(filter).filter(([, value]) => value))}`),

  me: () => ask("/v1/me"),
  forgetOwnDevice: (deviceId) => gone(`/v1/me/devices/${id(deviceId)}`),
  endOwnStream: (streamId) => gone(`/v1/me/streams/${id(streamId)}`),

  account: (accountId) => ask(account(accountId)),
  stopAccount: (accountId, stopped, reason) => put(`${account(accountId)}/stop`, { stopped, reason }),
  stopDevice: (accountId, deviceId, stopped, reason) => put(`${account(accountId)}/devices/${id(deviceId)}/stop`, { stopped, reason }),
  forgetDevice: (accountId, deviceId) => gone(`${account(accountId)}/devices/${id(deviceId)}`),
  endStream: (accountId, streamId) => gone(`${account(accountId)}/streams/${id(streamId)}`),
  giveRight: (accountId, assetId, right) => put(`${account(accountId)}/rights/${id(assetId)}`, right),
  takeRight: (accountId, assetId) => gone(`${account(accountId)}/rights/${id(assetId)}`),
};
