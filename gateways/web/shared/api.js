// The only door to the server: fetch with problem+json, sign-in when asked for, paths of the HTTP API.
// Everything a page knows comes through here, so tests can stand a stub behind it.

/** An answer that says no. `message` is a sentence for people; `traceId` finds it in the logs; `more`: all else it says. */
export class Problem extends Error {
  constructor({ status = 0, type = "about:blank", title = "", detail = "", code = "", traceId = "", ...more }) {
    super(detail || title || `The server answered ${status}.`);
    Object.assign(this, { name: "Problem", status, type, title, code, traceId, more });
  }

  /** A failure that may pass by itself: worth a retry button. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** A failure that another credential mends: worth an offer to sign in. */
  get refused() {
    return this.status === 401 || this.status === 403;
  }
}

const UNREACHABLE = {
  status: 0,
  title: "No answer from Kinolog",
  detail: "The server did not answer. Check that it is running (`kinolog status`), then try again.",
};

/** Builds a Problem from a status, a header lookup and the text of a body. Never throws. */
export function problemOf(status, header, text) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // an answer of a proxy or of nothing: the status has to do
  }
  const parent = header("traceparent") ?? "";
  const traceId = body.trace_id ?? header("x-trace-id") ?? parent.split("-")[1] ?? "";
  return new Problem({ ...body, status, traceId });
}

let signIn = null;

/** `ask({required})` shows the sign-in dialog; resolves to whether a key was taken (always, if required). */
export function onSignInNeeded(ask) {
  signIn = ask;
}

/** Offers to sign in, which may be declined; resolves to whether somebody did. The page stays. */
export const offerSignIn = async () => (await signIn?.({ required: false })) ?? false;

/** Sends a request; resolves to decoded JSON (or null); rejects with a Problem. A 401 asks to sign in, once. */
export async function request(path, { method = "GET", json, headers, signal, keepalive, mayAsk = true } = {}) {
  const init = { method, signal, keepalive, headers: { Accept: "application/json", ...headers }, credentials: "include" }; // of services of ours on this host; the policy lets nobody else be called
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(UNREACHABLE);
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json().catch(() => null);
  if (answer.status === 401 && mayAsk && signIn) {
    const problem = problemOf(answer.status, (name) => answer.headers.get(name), await answer.text());
    await signIn({ required: true, problem });
    return request(path, { method, json, headers, signal, keepalive, mayAsk: false });
  }
  throw problemOf(answer.status, (name) => answer.headers.get(name), await answer.text());
}

const asset = (id) => `/v1/assets/${encodeURIComponent(id)}`;

export const api = {
  assets: ({ q = "", cursor = "", limit = 48, visibility = "" } = {}, signal) => {
    const query = new URLSearchParams({ limit });
    if (q) query.set("q", q);
    if (cursor) query.set("cursor", cursor);
    if (visibility) query.set("visibility", visibility);
    return request(`/v1/assets?${query}`, { signal });
  },
  asset: (id, signal) => request(asset(id), { signal }),
  change: (id, change) => request(asset(id), { method: "PATCH", json: change }),
  protect: (id, wish) => request(`${asset(id)}/protection`, { method: "POST", json: wish }),
  remove: (id, reason) => request(`${asset(id)}${reason ? `?${new URLSearchParams({ reason })}` : ""}`, { method: "DELETE" }),
  log: (id, after = "", signal) => request(`${asset(id)}/log?${new URLSearchParams(after ? { after } : {})}`, { signal }),
  entry: (ceId, signal) => request(`/v1/log/${encodeURIComponent(ceId)}`, { signal }),
  session: () => request("/v1/session", { mayAsk: false }),
  openSession: (proof) => request("/v1/session", { method: "POST", json: proof, mayAsk: false }),
  closeSession: () => request("/v1/session", { method: "DELETE", mayAsk: false }),
  eventsPath: (id) => `${asset(id)}/events`,
  logStreamPath: (id, after = "") => `${asset(id)}/log/stream${after ? `?${new URLSearchParams({ after })}` : ""}`,
};

/**
 * Sends a file as a raw body, to be protected by `protection` (null: not). Returns `{done, cancel}`; `done` resolves to the answer's JSON.
 * `onProgress(sentBytes)` is called while bytes leave. XMLHttpRequest, because fetch tells no upload progress.
 */
export function sendFile({ file, title, key, protection, onProgress }) {
  const xhr = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    xhr.upload.onprogress = (event) => onProgress(event.loaded);
    xhr.upload.onload = () => onProgress(file.size);
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve(JSON.parse(xhr.responseText));
      else reject(problemOf(xhr.status, (name) => xhr.getResponseHeader(name), xhr.responseText));
    };
    xhr.onerror = () => {
      const detail = "The connection broke while the file was being sent. Nothing is lost: try again.";
      reject(new Problem({ ...UNREACHABLE, title: "Upload interrupted", detail }));
    };
    xhr.onabort = () => reject(new DOMException("cancelled", "AbortError"));
  });
  const query = new URLSearchParams({ title, file_name: file.name });
  if (protection) [["protection", protection.scheme], ["systems", protection.systems.join(",")], ["policy", protection.policy]].forEach((pair) => query.append(...pair));
  xhr.open("POST", `/v1/assets?${query}`);
  xhr.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  xhr.setRequestHeader("Idempotency-Key", key);
  xhr.send(file);
  return { done, cancel: () => xhr.abort() };
}
