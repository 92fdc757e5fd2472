// Paths of the identity service. Its pages are of its own origin, so these are plain paths too.
import { request } from "shared/api.js";

const id = encodeURIComponent;
const quiet = { mayAsk: false };
const query = (fields) => {
  const set = Object.entries(fields).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return set.length ? `?${new URLSearchParams(set)}` : "";
};

export const identity = {
  signIn: (email, password) => request("/v1/sessions", { method: "POST", json: { email, password, cookie: true }, ...quiet }),
  signOut: () => request("/v1/sessions/current", { method: "DELETE", ...quiet }),
  redeem: (wish) => request("/v1/one-time-links/redeem", { method: "POST", json: wish, ...quiet }),

  me: () => request("/v1/me"),
  rename: (name) => request("/v1/me", { method: "PATCH", json: { display_name: name || null } }),
  changePassword: (current, fresh) => request("/v1/me/password", { method: "POST", json: { current_password: current, new_password: fresh } }),
  eraseMe: (films) => request(`/v1/me${query({ films })}`, { method: "DELETE" }),

  sessions: () => request("/v1/sessions"),
  endSession: (sid) => request(`/v1/sessions/${id(sid)}`, { method: "DELETE" }),
  endOthers: () => request("/v1/sessions", { method: "DELETE" }),

  keys: () => request("/v1/api-keys"),
  createKey: (wish) => request("/v1/api-keys", { method: "POST", json: wish }),
  rotateKey: (keyId, overlapS) => request(`/v1/api-keys/${id(keyId)}/rotate`, { method: "POST", json: { overlap_s: overlapS } }),
  revokeKey: (keyId) => request(`/v1/api-keys/${id(keyId)}`, { method: "DELETE" }),

  users: (cursor, limit = 50) => request(`/v1/users${query({ cursor, limit })}`),
  user: (userId) => request(`/v1/users/${id(userId)}`),
  invite: (wish) => request("/v1/invitations", { method: "POST", json: wish }),
  changeUser: (userId, change) => request(`/v1/users/${id(userId)}`, { method: "PATCH", json: change }),
  resetLink: (userId, reason) => request(`/v1/users/${id(userId)}/reset-link`, { method: "POST", json: { reason } }),
  eraseUser: (userId, wish) => request(`/v1/users/${id(userId)}${query(wish)}`, { method: "DELETE" }),

  audit: (filter) => request(`/v1/audit${query(filter)}`),
};
