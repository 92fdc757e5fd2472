// Events in words: what a type means to a person. An unknown type is shown by its own name, never hidden.
import { bytes, count, elapsed } from "shared/format.js";

const chunk = (data) => (data.chunk_index === undefined || data.chunk_index === null ? "" : `chunk ${data.chunk_index + 1}`);
const job = (data) => chunk(data) || (data.kind ? `the ${data.kind}` : "the job");
const again = (data) => (data.attempt > 1 ? `, attempt ${data.attempt}` : "");
const plan = ({ plan: made = {} }) => {
  const rungs = made.renditions?.filter((rung) => rung.height).length;
  return [rungs && count(rungs, "rendition"), made.chunk_count && count(made.chunk_count, "chunk")].filter(Boolean).join(", ");
};

const changes = (d) => [d.title && `title “${d.title}”`, d.visibility].filter(Boolean).join(", ");

// short type -> [icon, tone, sentence]
const WORDS = {
  UploadStarted: ["upload", "", (d) => `Upload of ${d.file_name || d.title || "a file"} started`],
  UploadCompleted: ["upload", "", (d) => `All bytes are stored${d.source?.size_bytes ? ` (${bytes(d.source.size_bytes)})` : ""}`],
  UploadFailed: ["upload", "bad", (d) => d.sentence ?? "The upload broke off"],
  AssetCreated: ["circle-plus", "good", (d) => `Asset created${d.title ? `: ${d.title}` : ""}`],
  AssetUploaded: ["circle-check", "", () => "The upload is complete"],
  AssetPlanned: ["map", "good", (d) => `Planned: ${plan(d) || "grid and renditions are fixed"}`],
  AssetPlayable: ["circle-play", "good", () => "Plays from now on, while the rest is encoded"],
  AssetReady: ["badge-check", "good", () => "Ready in every rendition"],
  AssetFailed: ["circle-x", "bad", (d) => d.sentence ?? "Failed"],
  AssetChangeRequested: ["pencil", "", (d) => `Asked for ${changes(d)}`],
  AssetChanged: ["pencil", "good", (d) => `Changed: ${changes(d)}`],
  TransferRequested: ["arrow-right-left", "", () => "Its owner leaves: it shall be somebody else's"],
  AssetTransferred: ["arrow-right-left", "good", () => "It has another owner"],
  AssetGained: ["user-round", "", () => "Counted among its owner's films"],
  AssetLost: ["user-round", "", () => "No longer among its owner's films"],
  AssetDeleted: ["trash-2", "bad", () => "Deleted"],
  AssetErased: ["eraser", "", () => "All its objects are gone from the store"],
  ProbeRequested: ["scan-search", "", (d) => `The file shall be checked${again(d)}`],
  SourceProbed: ["scan-search", "", () => "The file was checked and understood"],
  SourceRejected: ["scan-search", "bad", (d) => d.sentence ?? "The file was refused"],
  ChunkRequested: ["scissors", "", (d) => `Encode ${chunk(d)}${again(d)}`],
  ChunkEncoded: ["film", "", (d) => `Encoded ${chunk(d)}${d.reused ? ", found from an earlier try" : d.encode_ms ? ` in ${elapsed(d.encode_ms)}` : ""}`],
  ChunkFailed: ["film", "bad", (d) => `${chunk(d)} failed: ${d.sentence ?? d.code ?? "unknown reason"}`],
  ChunkAccepted: ["check", "good", (d) => `Accepted ${chunk(d)}`],
  StoryboardRequested: ["images", "", () => "Preview pictures are wanted"],
  StoryboardMade: ["images", "", () => "Preview pictures were made"],
  StoryboardAdded: ["images", "good", (d) => `Preview pictures added${d.tile_count ? ` (${d.tile_count})` : ""}`],
  ProtectionRequested: ["lock", "", (d) => `Someone asked to protect it (${d.protection?.scheme})`],
  ProtectionStarted: ["lock", "", (d) => `It is encoded again, protected (${d.protection?.scheme})`],
  ProtectionPlanRequested: ["key-round", "", (d) => `Keys for it are wanted${again(d)}`],
  ProtectionPlanned: ["key-round", "", () => "Its keys were made"],
  AssetProtected: ["lock", "good", () => "Protected from now on"],
  ProtectionFailed: ["lock", "bad", (d) => d.sentence ?? "It could not be protected"],
  RenditionsErased: ["eraser", "", () => "What it played by before is gone from the store"],
  DeletionRequested: ["trash-2", "", () => "Someone asked to delete it"],
  ErasureRequested: ["eraser", "", () => "Its objects shall be removed from the store"],
  ObjectsErased: ["eraser", "", (d) => `Objects removed${d.count ? ` (${d.count})` : ""}`],
  WorkLeased: ["hand", "", (d) => `A worker took ${job(d)}${again(d)}`],
  WorkProgressed: ["loader", "", (d) => `${job(d)} at ${d.percent ?? 0} %`],
  ContentKeysUsed: ["key-round", "", (d) => `Its content keys were used for ${job(d)}`],
  WorkEnded: ["flag", "", (d) => `Worker done with ${job(d)}${d.outcome && d.outcome !== "done" ? `: ${d.outcome}` : ""}`],
  WorkFailed: ["flag", "bad", (d) => d.sentence ?? `Work on ${job(d)} failed`],
  TimerSet: ["alarm-clock", "", () => "A reminder was set"],
  TimerCancelled: ["alarm-clock-off", "", () => "A reminder was cancelled"],
  TimerDue: ["alarm-clock", "", () => "A reminder came due"],
  RequestRepeated: ["repeat-2", "", () => "The same request came again and changed nothing"],
  RequestRefused: ["ban", "bad", (d) => d.detail ?? "A request was refused"],
};

/** `kinolog.media.ChunkEncoded` -> `ChunkEncoded` */
export const shortType = (type) => type.slice(type.lastIndexOf(".") + 1);

const spaced = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase().replace(/^./, (first) => first.toUpperCase());
const sentenceCase = (text) => text.replace(/^./, (first) => first.toUpperCase());

// what many events of one type are together: [thing, what became of it]
const TOGETHER = {
  ChunkRequested: ["chunk", "requested"],
  ChunkEncoded: ["chunk", "encoded"],
  ChunkFailed: ["chunk", "failed"],
  ChunkAccepted: ["chunk", "accepted"],
  WorkLeased: ["job", "taken by workers"],
  WorkProgressed: ["progress report", ""],
  WorkEnded: ["job", "given back by workers"],
  WorkFailed: ["job", "failed"],
  TimerSet: ["reminder", "set"],
  TimerCancelled: ["reminder", "cancelled"],
  TimerDue: ["reminder", "came due"],
  RequestRepeated: ["repeated request", "that changed nothing"],
  RequestRefused: ["request", "refused"],
};

/** One line for several entries of one type: how many of what; the newest state of one job's progress. */
export const describeRun = (entries) => {
  const last = describe(entries.at(-1));
  const jobs = new Set(entries.map((entry) => entry.data?.work_id));
  if (last.name === "WorkProgressed" && jobs.size === 1) return last;
  const [thing, became] = TOGETHER[last.name] ?? [];
  const text = thing ? `${count(entries.length, thing)} ${became}`.trim() : `${spaced(last.name)}, ${entries.length} times`;
  return { ...last, text };
};

/** Icon name, tone ("", "good", "bad") and one sentence for an entry of the log. */
export function describe(entry) {
  const name = shortType(entry.type);
  const [icon, tone, say] = WORDS[name] ?? ["circle-dot", "", () => spaced(name)];
  return { name, icon, tone, text: sentenceCase(say(entry.data ?? {})) };
}
