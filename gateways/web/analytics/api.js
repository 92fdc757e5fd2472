// Paths of the analytics service. Its pages are the streaming service's, so these are addresses of another origin.
import { Problem, request } from "shared/api.js";
import { place, socketPlace } from "shared/places.js";
import { inTurn } from "./turns.js";

const id = encodeURIComponent;

async function ask(path, question, signal) {
  const answer = await inTurn(() => request(`${place("analytics", "")}${path}${question ? `?${question}` : ""}`, { signal }), signal);
  if (answer === null) throw new Problem({ title: "The answer broke off", detail: "The connection ended in the middle of it. Try again." });
  return answer;
}

/** Whether this platform counts at all. */
export const hasAnalytics = () => place("analytics", "") !== null;

export const liveUrl = () => socketPlace("analytics", "/v1/live");

/** `question` is what `address.question()` gives: time, filters and what is asked for. */
export const analytics = {
  metrics: (question, signal) => ask("/v1/metrics", question, signal),
  concurrency: (question, signal) => ask("/v1/concurrency", question, signal),
  startup: (question, signal) => ask("/v1/startup", question, signal),
  delivery: (question, signal) => ask("/v1/delivery", question, signal),
  funnel: (name, question, signal) => ask(`/v1/funnels/${id(name)}`, question, signal),
  retention: (assetId, question, signal) => ask(`/v1/videos/${id(assetId)}/retention`, question, signal),
  chat: (assetId, question, signal) => ask(`/v1/videos/${id(assetId)}/chat`, question, signal),
  views: (question, signal) => ask("/v1/views", question, signal),
  view: (viewId, signal) => ask(`/v1/views/${id(viewId)}`, "", signal),
  system: (signal) => ask("/v1/system", "", signal),
};
