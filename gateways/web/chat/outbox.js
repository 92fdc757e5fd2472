// What was written and is not among the room's messages yet. Pure: it knows no connection and no clock.

const PASSING = new Set(["unavailable", "busy", "room_busy", "overloaded", "not_subscribed"]);

/** Entries: `{client_id, text, reply_to, media_ms, mentions, state, detail, message_id}`; state is sending, held, declined or refused. */
export class Outbox {
  entries = [];
  #declined = new Set();
  changes = new Set(); // ids of messages whose other text waits for a moderator

  add(message) {
    this.entries = [...this.entries, { ...message, state: "sending", detail: "" }];
  }

  /** What has to be sent (again): nobody knows what became of it, and its client_id makes it one message. */
  get waiting() {
    return this.entries.filter((entry) => entry.state === "sending");
  }

  /** The server's answer. Returns "again" if it has to be sent once more in a while. */
  answered(answer) {
    const entry = this.entries.find((one) => one.client_id === answer.client_id);
    if (!entry) return "";
    if (answer.type === "sent") {
      if (answer.state === "held") this.#become(entry, { state: "held", message_id: answer.message_id, detail: "" });
      else if (answer.shown) this.drop(entry.client_id);
      else this.#become(entry, { message_id: answer.message_id });
      return "";
    }
    if (PASSING.has(answer.code)) return "again";
    this.#become(entry, { state: "refused", detail: answer.detail, code: answer.code });
    return "";
  }

  /** A moderator turned these down; returns whether one of them was a change of a message that stays as it is. */
  declined(messageIds) {
    for (const messageId of messageIds) this.#declined.add(messageId);
    for (const entry of this.entries) if (messageIds.includes(entry.message_id)) this.#become(entry, { state: "declined" });
    return messageIds.filter((messageId) => this.changes.delete(messageId)).length > 0;
  }

  /** What waits for a moderator since an earlier visit: items of the chat service. What was decided since it answered is left out. */
  recall(items, isShown) {
    for (const { message, edit } of items) {
      const { message_id, text, reply_to } = message;
      if (this.#declined.has(message_id) || this.entries.some((entry) => entry.message_id === message_id)) continue;
      if (edit) this.changes.add(message_id);
      else if (!isShown(message_id)) this.entries = [...this.entries, { client_id: message_id, message_id, text, reply_to, state: "held", detail: "" }];
    }
  }

  /** The room shows a message of ours: its entry, if it has one, goes and is returned. By id; before the answer came, by its text. */
  shown(message) {
    const found =
      this.entries.find((entry) => entry.message_id === message.message_id) ??
      this.entries.find((entry) => !entry.message_id && entry.state === "sending" && entry.text === message.text);
    if (found) this.drop(found.client_id);
    return found;
  }

  drop(clientId) {
    this.entries = this.entries.filter((entry) => entry.client_id !== clientId);
  }

  #become(entry, change) {
    this.entries = this.entries.map((one) => (one === entry ? { ...one, ...change } : one));
  }
}
