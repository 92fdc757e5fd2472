// Paths of the chat service. Its pages are the streaming service's, so these are addresses of another origin.
import { request } from "shared/api.js";
import { place, socketPlace } from "shared/places.js";

const id = encodeURIComponent;
const at = (path) => `${place("chat", "")}${path}`;
const room = (roomId) => at(`/v1/rooms/${id(roomId)}`);
const query = (fields) => {
  const set = Object.entries(fields).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return set.length ? `?${new URLSearchParams(set)}` : "";
};
const ask = (path, options) => request(path, { mayAsk: false, ...options });
const post = (path, json) => ask(path, { method: "POST", json });
const put = (path, json) => ask(path, { method: "PUT", json });
const drop = (path) => ask(path, { method: "DELETE" });

/** Whether this platform has chat at all. */
export const hasChat = () => place("chat", "") !== null;

export const socketUrl = () => socketPlace("chat", "/v1/socket");

export const chat = {
  rooms: (cursor) => ask(at(`/v1/rooms${query({ cursor })}`)),
  open: (wish) => request(at("/v1/rooms"), { method: "POST", json: wish }),
  ofAsset: (assetId) => ask(at(`/v1/assets/${id(assetId)}/room`)),
  room: (roomId) => ask(room(roomId)),
  change: (roomId, change) => ask(room(roomId), { method: "PATCH", json: change }),

  messages: (roomId, { before, after, q, limit = 50, signal } = {}) => ask(`${room(roomId)}/messages${query({ before, after, q, limit })}`, { signal }),
  replay: (roomId, fromMs, toMs) => ask(`${room(roomId)}/replay${query({ from_ms: fromMs, to_ms: toMs, limit: 1000 })}`),
  waiting: (roomId) => ask(`${room(roomId)}/waiting`),
  remove: (roomId, messageId) => drop(`${room(roomId)}/messages/${id(messageId)}`),
  report: (roomId, messageId, reason) => post(`${room(roomId)}/messages/${id(messageId)}/reports`, { reason }),
  pin: (roomId, messageId) => put(`${room(roomId)}/pins/${id(messageId)}`),
  unpin: (roomId, messageId) => drop(`${room(roomId)}/pins/${id(messageId)}`),
  pins: (roomId) => ask(`${room(roomId)}/pins`),
  follow: (roomId) => put(`${room(roomId)}/following`),
  unfollow: (roomId) => drop(`${room(roomId)}/following`),
  block: (accountId) => put(at(`/v1/blocks/${id(accountId)}`)),
  unblock: (accountId) => drop(at(`/v1/blocks/${id(accountId)}`)),

  queue: (roomId) => ask(`${room(roomId)}/queue`),
  decide: (roomId, messageIds, approved) => post(`${room(roomId)}/queue/decisions`, { message_ids: messageIds, approved }),
  sanctions: (roomId) => ask(`${room(roomId)}/sanctions`),
  sanction: (roomId, wish) => post(`${room(roomId)}/sanctions`, wish),
  purge: (roomId, accountId, reason = "") => post(`${room(roomId)}/purges`, { account_id: accountId, reason }),
  person: (roomId, accountId, before) => ask(`${room(roomId)}/accounts/${id(accountId)}${query({ before })}`),
  members: (roomId) => ask(`${room(roomId)}/members`),
  addMember: (roomId, accountId) => put(`${room(roomId)}/members/${id(accountId)}`),
  dropMember: (roomId, accountId) => drop(`${room(roomId)}/members/${id(accountId)}`),
  addModerator: (roomId, accountId) => put(`${room(roomId)}/moderators/${id(accountId)}`),
  dropModerator: (roomId, accountId) => drop(`${room(roomId)}/moderators/${id(accountId)}`),

  screening: (roomId) => ask(`${room(roomId)}/screening`),
  setScreening: (roomId, rules, basedOn) => put(`${room(roomId)}/screening`, { rules, based_on: basedOn }),
  tryScreening: (roomId, rules, fromMs) => post(`${room(roomId)}/screening/trial`, { rules, from_ms: fromMs }),
};
