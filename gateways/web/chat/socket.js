// One connection to the chat service for all rooms of a page; it comes back by itself.
import { Problem } from "shared/api.js";
import { FIRST_PAUSE_MS, LONGEST_PAUSE_MS, jittered } from "shared/pauses.js";
import { knowBlocked } from "./blocks.js";

const FLOOD_PAUSE_MS = 20_000;
const TOO_SLOW = 4408; // nothing is wrong with the way: at once again, from where we were
const FORBIDDEN = 4403;
const FLOODED = 4429;

/**
 * Fires "state" (see `state`: "connecting", "open", "waiting", "refused"), "message" with `detail`, the document,
 * and "blocks" when the list of whom one does not want to read has come.
 * `problem` says why it is refused. `say` returns whether the document was sent.
 */
export class ChatSocket extends EventTarget {
  state = "connecting";
  problem = null;
  #socket = null;
  #timer = 0;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(url) {
    super();
    this.url = url;
    this.again = this.again.bind(this);
    this.comeBack = () => this.state === "waiting" && this.again();
    addEventListener("kinolog-session", this.again); // somebody else now: the connection stands on who it was
    addEventListener("online", this.comeBack);
    this.#open();
  }

  say(document) {
    if (this.state !== "open") return false;
    this.#socket.send(JSON.stringify(document));
    return true;
  }

  /** Connects anew, now. */
  again() {
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#open();
  }

  end() {
    removeEventListener("kinolog-session", this.again);
    removeEventListener("online", this.comeBack);
    this.#drop();
  }

  #drop() {
    clearTimeout(this.#timer);
    const old = this.#socket;
    this.#socket = null; // what it says from now on is nobody's
    old?.close();
  }

  #open() {
    this.#drop();
    this.#become("connecting");
    const socket = (this.#socket = new WebSocket(this.url));
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(code);
  }

  #hear(document) {
    if (document.type === "ready") {
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#become("open");
    } else if (document.type === "blocks") {
      knowBlocked(document.account_ids);
      this.dispatchEvent(new Event("blocks"));
    } else this.dispatchEvent(new CustomEvent("message", { detail: document }));
  }

  #lost(code) {
    this.#socket = null;
    if (code === FORBIDDEN) {
      this.problem = new Problem({ status: 403, title: "The chat does not let this page in", detail: "Sign in anew, or ask who runs this platform to look at SERVICE_URLS." });
      this.#become("refused");
      return;
    }
    const pauseMs = code === TOO_SLOW ? 0 : code === FLOODED ? FLOOD_PAUSE_MS : jittered(this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => this.#open(), pauseMs);
    this.#become("waiting");
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
