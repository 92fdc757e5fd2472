// The uploads of this tab: one file after the other, with speed and remaining time.
import { Problem, sendFile } from "shared/api.js";

const SPEED_MEMORY = 0.25; // weight of the newest sample in the running mean
const SAMPLE_MS = 400;
const NOT_VIDEO = /^(image|text|audio|font)\//;

let nextKey = 1;

/** Fires "change" whenever an item changes and "stored" (detail: the server's answer) when a file has arrived. */
export class Uploads extends EventTarget {
  items = [];
  protection = null; // of files that are added from now on; null: none

  get active() {
    return this.items.filter((item) => item.state === "waiting" || item.state === "sending");
  }

  add(files) {
    for (const file of files) this.items.push(newItem(file, this.protection));
    this.#changed();
    this.#next();
  }

  retry(item) {
    // the key stays: if only the answer got lost, the server finds the first upload again
    Object.assign(item, { state: "waiting", sent: 0, problem: null, speed: 0 });
    this.#changed();
    this.#next();
  }

  drop(item) {
    item.cancel?.();
    this.items = this.items.filter((other) => other !== item);
    this.#changed();
    this.#next();
  }

  #next() {
    if (this.items.some((item) => item.state === "sending")) return;
    const item = this.items.find((candidate) => candidate.state === "waiting");
    if (item) this.#send(item);
  }

  async #send(item) {
    item.state = "sending";
    item.sampledAt = performance.now();
    item.sampledSent = 0;
    const { done, cancel } = sendFile({
      file: item.file,
      title: item.title,
      key: item.idempotencyKey,
      protection: item.protection,
      onProgress: (sent) => this.#progress(item, sent),
    });
    item.cancel = cancel;
    this.#changed();
    try {
      const answer = await done;
      this.items = this.items.filter((other) => other !== item);
      this.dispatchEvent(new CustomEvent("stored", { detail: { answer, item } }));
    } catch (error) {
      if (error.name === "AbortError") return;
      item.problem = error;
      item.state = "failed";
    }
    this.#changed();
    this.#next();
  }

  #progress(item, sent) {
    item.sent = Math.min(sent, item.file.size);
    const now = performance.now();
    const passed = now - item.sampledAt;
    if (passed >= SAMPLE_MS) {
      const speed = ((item.sent - item.sampledSent) / passed) * 1000;
      item.speed = item.speed ? item.speed * (1 - SPEED_MEMORY) + speed * SPEED_MEMORY : speed;
      item.sampledAt = now;
      item.sampledSent = item.sent;
    }
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function newItem(file, protection) {
  const item = {
    key: nextKey++,
    file,
    protection,
    title: file.name.replace(/\.[^.]+$/, "").replace(/[_]+/g, " ").trim() || file.name,
    idempotencyKey: crypto.randomUUID(),
    state: "waiting",
    sent: 0,
    speed: 0,
    problem: null,
  };
  // what can be told without the server is told before a byte leaves
  if (file.size === 0) refuse(item, "This file is empty. Check the export and choose it again.");
  else if (NOT_VIDEO.test(file.type)) refuse(item, `This is not a video (${file.type}). Choose an MP4, MOV, MKV, WebM or AVI file.`);
  return item;
}

function refuse(item, detail) {
  item.state = "failed";
  item.problem = Object.assign(new Problem({ status: 422, title: "Not uploaded", detail }), { final: true });
}
