// Where people write, or why they cannot just now.
import { Part, html, nothing } from "shared/element.js";
import { span } from "shared/format.js";
import { icon } from "shared/parts.js";
import { barrierOf } from "./barrier.js";
import { pickEmoji } from "./emoji.js";
import { hindrance } from "./hindrance.js";
import { mentioned, nameOf } from "./text.js";

const MOST = 500;
const TELL_FROM = 400;
const TICK_MS = 250;

/** Fires nothing: it writes into `store`. `mediaMs()` tells where the film is. */
class Composer extends Part {
  static properties = { store: { attribute: false }, mediaMs: { attribute: false }, replyTo: { state: true }, editing: { state: true }, length: { state: true } };

  constructor() {
    super();
    [this.replyTo, this.editing, this.length] = [null, null, 0];
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  get field() {
    return this.querySelector("textarea");
  }

  reply(message) {
    [this.replyTo, this.editing] = [message, null];
    this.field?.focus();
  }

  startEdit(message) {
    [this.editing, this.replyTo] = [message, null];
    this.fill(message.text);
  }

  fill(text) {
    if (!this.field) return;
    this.field.value = text;
    this.field.focus();
    this.wrote();
  }

  cancel() {
    if (this.editing) this.fill("");
    [this.replyTo, this.editing] = [null, null];
    this.field?.focus();
  }

  wrote() {
    const { field } = this;
    this.length = [...field.value].length;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight + 2, 120)}px`;
    if (field.value) this.store.signals.type();
  }

  pressed(event) {
    if (event.key === "Escape" && (this.replyTo || this.editing)) this.cancel();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.submit();
    }
  }

  submit() {
    const { store, field } = this;
    const text = field.value.trim();
    if (!text || this.length > MOST || this.waitMs() > 0) return;
    const mentions = mentioned(text, store.people);
    if (this.editing) store.edit(this.editing.message_id, text, mentions);
    else store.send({ text, mentions, reply_to: this.replyTo?.message_id ?? null, media_ms: this.mediaMs?.() ?? null });
    [this.replyTo, this.editing] = [null, null];
    field.value = "";
    this.wrote();
    this.requestUpdate();
    this.dispatchEvent(new Event("sent"));
  }

  async emoji(event) {
    const chosen = await pickEmoji(event.currentTarget);
    const { field } = this;
    if (!chosen || !field) return;
    field.setRangeText(chosen, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    this.wrote();
  }

  /** How long until slow mode lets one write again, milliseconds. */
  waitMs() {
    return this.editing ? 0 : Math.max(0, this.store.readyAtMs - Date.now());
  }

  /** When something here is different by the clock alone, milliseconds; Infinity: nothing is. */
  untilMs(barrier) {
    return Math.min(barrier ? barrier.untilMs - Date.now() : Infinity, this.waitMs() || Infinity);
  }

  render() {
    const { store } = this;
    clearTimeout(this.timer);
    const waitMs = this.waitMs();
    const barrier = store.settings ? barrierOf(store, Date.now()) : undefined;
    const untilMs = this.untilMs(barrier);
    if (untilMs < Infinity) this.timer = setTimeout(() => this.requestUpdate(), Math.max(0, Math.min(TICK_MS, untilMs)));
    const about = this.editing ?? this.replyTo;
    return html`
      ${barrier ? html`<p class="hindrance" role="status">${hindrance(barrier, store)}</p>` : nothing}
      <form class="compose" ?hidden=${barrier !== null} @submit=${(event) => { event.preventDefault(); this.submit(); }}>
        ${about ? html`<p class="about">${icon(this.editing ? "pencil" : "reply")}<span class="grow">${this.editing ? "Editing your message" : html`To <b>${nameOf(about.author)}</b>: ${about.text}`}</span>
          <button class="icon-button" type="button" aria-label="Stop ${this.editing ? "editing" : "replying"}" @click=${this.cancel}>${icon("x")}</button></p>` : nothing}
        <div class="write">
          <textarea rows="1" maxlength="2000" aria-label="Message" placeholder=${this.placeholder()} enterkeyhint="send"
            @input=${this.wrote} @keydown=${this.pressed}></textarea>
          <button class="icon-button" type="button" aria-label="Emoji" aria-haspopup="true" @click=${this.emoji}>${icon("smile")}</button>
          <button class="icon-button send" type="submit" aria-label=${this.editing ? "Save" : "Send"} ?disabled=${!this.length || this.length > MOST || waitMs > 0}>
            ${waitMs > 0 ? html`<span class="wait">${Math.ceil(waitMs / 1000)}</span>` : icon("send-horizontal")}</button>
        </div>
        ${this.length > TELL_FROM ? html`<p class="left ${this.length > MOST ? "over" : ""}" role="status">${MOST - this.length} left</p>` : nothing}
        ${waitMs > 0 && store.settings?.slow_mode_s ? html`<p class="left">Slow mode: one message each ${span(store.settings.slow_mode_s)}.</p>` : nothing}
      </form>`;
  }

  placeholder() {
    const { mode } = this.store.settings ?? {};
    return mode === "emotes" ? "Emoji only" : "Write a message";
  }
}

customElements.define("kl-composer", Composer);
