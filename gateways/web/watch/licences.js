// Licences of a protected film: a playback token for each, beats while it plays, the stop, and the end from elsewhere.
import { problemOf, request } from "shared/api.js";
import { place } from "shared/places.js";
import { clientOf } from "shared/words.js";
import { streamEnd } from "./stream-end.js";

const KEPT = "kinolog-device";
const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const at = (path) => place("drm", path);
const ask = (path, options) => request(at(path), { mayAsk: false, ...options });

export const LICENCE_HEADER = "Playback-Token";

/** This browser's name among an account's devices: random, and kept here. */
export function deviceId() {
  try {
    const kept = localStorage.getItem(KEPT) ?? random();
    localStorage.setItem(KEPT, kept);
    return kept;
  } catch {
    return (deviceId.unkept ??= random()); // a browser that keeps nothing is another device each time
  }
}

/** Ends what plays elsewhere on the same account. */
export const endStream = (streamId, device) => ask(`/v1/streams/${streamId}?${new URLSearchParams({ device_id: device })}`, { method: "DELETE" });

/** One's own device does not count any more; what plays on it ends. */
export const forgetDevice = (device) => ask(`/v1/me/devices/${device}`, { method: "DELETE" });

/** The Problem of a licence that was refused, out of what a player has of the answer: status and body (text or bytes). */
export function refusal(status, body) {
  const text = typeof body === "string" ? body : body ? new TextDecoder().decode(body) : "";
  return problemOf(status, () => null, text);
}

/**
 * The licences of one film in one <video>. `onEnd(problem)` is called when it may not play on.
 *
 * Every licence has a token of its own. The stream that they open counts until `stop()`, or until beats are missing; a
 * paused film sends none. A stream whose time may have passed is asked for again; any other end of it was somebody's wish.
 */
export class Licences {
  url = at("/v1/licences/clearkey");

  constructor(assetId, video, onEnd) {
    Object.assign(this, { assetId, video, onEnd, deviceId: deviceId(), kids: new Set(), stream: null, beatAt: 0, keptAt: 0 });
    this.listening = new AbortController();
    const { signal } = this.listening;
    video.addEventListener("playing", () => this.resume(), { signal });
    video.addEventListener("ended", () => this.release(), { signal });
    addEventListener("pagehide", () => this.release(), { signal });
  }

  /** A token for the licence that `challenge` (a player's bytes) asks for. Rejects with a Problem. */
  async token(challenge) {
    for (const kid of JSON.parse(new TextDecoder().decode(challenge)).kids) this.kids.add(kid);
    const wish = { asset_id: this.assetId, device_id: this.deviceId, device_name: clientOf(navigator.userAgent) };
    const made = await ask("/v1/tokens", { method: "POST", json: wish });
    this.stream = made;
    this.keptAt = this.beatAt = performance.now();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.video.paused || this.beat(), made.beat_every_s * 1000);
    return made.token;
  }

  /** It plays, so there is a stream. After a pause that was longer than the beats are apart, it may be gone. */
  async resume() {
    if (this.stream && performance.now() - this.beatAt > this.stream.beat_every_s * 1000) await this.beat();
    this.listen();
  }

  listen() {
    if (this.stream) this.unlisten ??= streamEnd(this.stream.stream_id, this.deviceId, (problem) => this.ended(problem));
  }

  deafen() {
    this.unlisten?.();
    this.unlisten = null;
  }

  /** Told from elsewhere. What may have lapsed in a pause is asked for when it plays again; now, if it plays. */
  ended(problem) {
    this.unlisten = null;
    if (problem.more.why || !this.mayHaveLapsed) this.end(problem);
    else if (!this.video.paused) this.beat();
  }

  async beat() {
    this.beatAt = performance.now();
    try {
      await ask("/v1/beats", { method: "POST", json: { stream_id: this.stream.stream_id, device_id: this.deviceId } });
      this.keptAt = this.beatAt;
    } catch (problem) {
      if (problem.code !== "stream_ended" || !this.stream) return; // any other trouble may pass: the next beat tells
      if (problem.more.why || !this.mayHaveLapsed) this.end(problem);
      else await this.renew();
    }
  }

  /** It counts until three beats are missing. */
  get mayHaveLapsed() {
    return performance.now() - this.keptAt > 2.5 * this.stream.beat_every_s * 1000;
  }

  /** Asks anew for the keys that the browser has: what counts is the answer. */
  async renew() {
    try {
      const challenge = { kids: [...this.kids], type: "temporary" };
      const token = await this.token(new TextEncoder().encode(JSON.stringify(challenge)));
      await request(this.url, { method: "POST", json: challenge, headers: { [LICENCE_HEADER]: token }, mayAsk: false });
      this.listen();
    } catch (problem) {
      if (!problem.passing) this.end(problem);
    }
  }

  /** The stream counts no more, also if the page goes away meanwhile. */
  release() {
    this.deafen();
    if (!this.stream) return;
    const { stream_id: streamId } = this.stream;
    const path = `/v1/streams/${streamId}?${new URLSearchParams({ device_id: this.deviceId })}`;
    ask(path, { method: "DELETE", keepalive: true }).catch(() => {}); // else it lapses by itself
    this.beatAt = this.keptAt = -Infinity;
  }

  /** The film may not play on, as an answer says. */
  end(problem) {
    if (this.listening.signal.aborted) return;
    this.stream = null;
    this.stop();
    this.onEnd(problem);
  }

  stop() {
    clearInterval(this.timer);
    this.listening.abort();
    this.release();
    this.stream = null;
  }
}
