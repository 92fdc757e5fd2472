// What the states of an asset mean to a person. The server decides; here are only words.

const WORKING = new Set(["uploading", "uploaded", "processing", "playable"]);

export const isWorking = (asset) => WORKING.has(asset.state);
export const isPlayable = (asset) => asset.state === "playable" || asset.state === "ready";

const LABELS = {
  uploading: "Uploading",
  uploaded: "Checking",
  processing: "Processing",
  playable: "Processing",
  ready: "Ready",
  failed: "Failed",
  deleted: "Deleted",
};

export const stateLabel = (asset) => LABELS[asset.state] ?? asset.state;

/** What happens right now, in a few words. */
export function activity(asset) {
  const { chunks_done: done = 0, chunks_total: total = 0 } = asset.progress ?? {};
  if (asset.state === "uploading") return "Receiving the file";
  if (asset.state === "uploaded") return "Checking the file";
  if (asset.state === "processing" && !done) return "Encoding the first seconds";
  if (!total) return "Preparing";
  return done >= total ? "Finishing" : `Chunk ${done} of ${total}`;
}

/** The server's sentence says what is wrong and what to do. */
export const failureOf = (asset) => asset.failure?.sentence ?? "Processing failed. Delete it and upload the file again.";

export const qualityOf = (asset) => {
  const side = Math.min(asset.width || 0, asset.height || 0);
  return side ? `${side}p` : "";
};

export const paths = {
  watch: (id) => `/watch/${encodeURIComponent(id)}`,
  numbers: (id) => `/analytics/videos/${encodeURIComponent(id)}`,
  log: (id) => `/assets/${encodeURIComponent(id)}/log`,
};
