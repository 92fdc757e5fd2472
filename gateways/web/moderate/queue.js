// What waits for a moderator: messages that a rule held, and those that people reported.
import { html, nothing, repeat } from "shared/element.js";
import { announce, toast } from "shared/announce.js";
import { chat } from "chat/api.js";
import { MODERATION, moderate } from "chat/moderation.js";
import { showPerson } from "chat/person.js";
import { chooseFrom } from "chat/popover.js";
import { hueOf, nameOf } from "chat/text.js";
import { count } from "shared/format.js";
import { blank, icon, when } from "shared/parts.js";
import { Section } from "shared/section.js";

const idOf = (entry) => entry.message.message_id;
const put = (entries, entry) => [...entries.filter((one) => idOf(one) !== idOf(entry)), entry];

/** The desk after one of its deltas. Pure. */
export function heard(desk, item) {
  if (item.kind === "held") return { ...desk, held: put(desk.held, item.held) };
  if (item.kind === "reported") return { ...desk, reports: put(desk.reports, item.report) };
  if (item.kind !== "decided") return desk;
  const stays = (entry) => !item.message_ids.includes(idOf(entry));
  return { held: desk.held.filter(stays), reports: desk.reports.filter(stays) };
}

const reasonsOf = (report) => Object.entries(report.reasons).map(([reason, times]) => `${reason} ${times}`).join(", ");

/** Fires "waiting" with how many there are. */
class Queue extends Section {
  static properties = { roomId: {} };

  trouble = "The queue could not be read";

  read() {
    return chat.queue(this.roomId);
  }

  /** A message of the room's desk. */
  hear({ reload, item }) {
    if (reload || !this.data) this.reload();
    else {
      const before = this.size;
      this.data = heard(this.data, item);
      if (this.size > before) announce(`${count(this.size, "message")} waiting`);
    }
  }

  get size() {
    return (this.data?.held.length ?? 0) + (this.data?.reports.length ?? 0);
  }

  updated() {
    if (this.told === this.size) return;
    this.told = this.size;
    this.dispatchEvent(new CustomEvent("waiting", { detail: this.size }));
  }

  decide(entries, approved, says = approved ? "Let through" : "Rejected") {
    return this.act(async () => {
      await chat.decide(this.roomId, entries.map(idOf), approved);
      toast(says);
    });
  }

  async more(event, entry) {
    const { author } = entry.message;
    const chosen = await chooseFrom(event.currentTarget, `More for ${nameOf(author)}`, [["about", `About ${nameOf(author)}…`], null, ...MODERATION]);
    if (chosen === "about") await showPerson(this.roomId, author.id).catch((problem) => toast(problem.message));
    else if (chosen) await this.act(() => moderate(chosen, this.roomId, author));
  }

  entry(entry, why, buttons) {
    const { message } = entry;
    return html`
      <li class="waits" data-message=${idOf(entry)}>
        <p class="by"><button class="link ${hueOf(message.author.id)}" type="button" @click=${() => showPerson(this.roomId, message.author.id).catch((problem) => toast(problem.message))}>${nameOf(message.author)}</button>
          <span class="faint">${why}</span></p>
        <p class="words" dir="auto">${message.text ?? html`<span class="faint">Its text is gone.</span>`}</p>
        <div class="buttons">${buttons}
          <button class="icon-button" type="button" aria-haspopup="menu" aria-label="More for ${nameOf(message.author)}" @click=${(event) => this.more(event, entry)}>${icon("ellipsis-vertical")}</button></div>
      </li>`;
  }

  held(entry) {
    const why = html`${entry.edit ? "changed it, " : ""}held by ${entry.why ?? entry.rule}${entry.score === null || entry.score === undefined ? nothing : html` at ${entry.score.toFixed(2)}`} · ${when(entry.held_at_ms)}`;
    return this.entry(entry, why, html`
      <button class="button small primary" type="button" ?disabled=${this.busy} @click=${() => this.decide([entry], true)}>${icon("check")}Approve</button>
      <button class="button small" type="button" ?disabled=${this.busy} @click=${() => this.decide([entry], false)}>${icon("x")}Reject</button>`);
  }

  report(entry) {
    return this.entry(entry, html`reported by ${count(entry.reporters, "person", "people")}: ${reasonsOf(entry)} · ${when(entry.reported_at_ms)}`, html`
      <button class="button small danger-outline" type="button" ?disabled=${this.busy} @click=${() => this.decide([entry], false, "Removed")}>${icon("trash-2")}Remove</button>
      <button class="button small" type="button" ?disabled=${this.busy} @click=${() => this.decide([entry], true, "It stays")}>Keep it</button>`);
  }

  content({ held, reports }) {
    if (!held.length && !reports.length) return blank({ name: "circle-check", title: "Nothing waits", text: "Messages that a rule holds, and those that people report, come here by themselves." });
    return html`
      ${held.length ? html`<section class="panel"><header><h2>Held by a rule</h2><span class="chip">${held.length}</span><span class="grow"></span>
        ${held.length > 1 ? html`<button class="button small plain" type="button" ?disabled=${this.busy} @click=${() => this.decide(held.slice(0, 100), false)}>Reject all</button>` : nothing}</header>
        <ul>${repeat(held, idOf, (entry) => this.held(entry))}</ul></section>` : nothing}
      ${reports.length ? html`<section class="panel"><header><h2>Reported</h2><span class="chip">${reports.length}</span></header>
        <ul>${repeat(reports, idOf, (entry) => this.report(entry))}</ul></section>` : nothing}`;
  }
}

customElements.define("kl-queue", Queue);
