// Small pieces of template that every page uses.
import { html, nothing } from "lit";
import { copy } from "shared/announce.js";
import { offerSignIn } from "shared/api.js";
import { place } from "shared/places.js";
import { ago, exact, iso, shortId } from "shared/format.js";

export const icon = (name, cls = "") => html`<wa-icon class=${cls} name=${name} aria-hidden="true"></wa-icon>`;

export const when = (atMs) => html`<time datetime=${iso(atMs)} title=${exact(atMs)}>${ago(atMs)}</time>`;

/** A short, copyable id. */
export const idButton = (id, what = "Id") => html`
  <button class="id" type="button" title="Copy ${id}" @click=${() => copy(id, what)}>
    <span class="visually-hidden">Copy ${what.toLowerCase()} </span>${shortId(id)}${icon("copy")}
  </button>`;

/** The quiet way to more: a dialog over the page, then `then()` if somebody signed in. */
export const signInButton = ({ plain = true, then = () => {} } = {}) => html`
  <button class="button small ${plain ? "plain" : ""}" type="button" @click=${async () => (await offerSignIn()) && then()}>
    ${icon("key-round")}${place("identity") ? "Sign in" : "Sign in with an API key"}</button>`;

/** One sentence of what went wrong, what to do, and the id to give to someone who can look it up. */
export const problemNotice = (problem, { title, retry, retryLabel = "Try again" } = {}) => html`
  <div class="notice" role="alert">
    ${icon("circle-alert")}
    <div class="body">
      <p class="title">${title ?? (problem.title || "That did not work")}</p>
      <p class="quiet">${problem.message}</p>
      <div class="actions">
        ${retry && problem.refused ? signInButton({ plain: false, then: retry }) : retry ? html`<button class="button small" type="button" @click=${retry}>${icon("rotate-cw")}${retryLabel}</button>` : nothing}
        ${problem.traceId ? html`<span class="faint">Trace ${idButton(problem.traceId, "Trace id")}</span>` : nothing}
      </div>
    </div>
  </div>`;

/** An empty place: what belongs here and how it gets here. */
export const blank = ({ name, title, text, actions = nothing, level = 2 }) => html`
  <div class="blank">
    ${icon(name, "big")}
    ${level === 1 ? html`<h1>${title}</h1>` : html`<h2>${title}</h2>`}
    <p>${text}</p>
    ${actions === nothing ? nothing : html`<div class="actions">${actions}</div>`}
  </div>`;

const MOST_CELLS = 64;

/** One cell a chunk; beyond 64 chunks cells stand for equal shares. Hidden from readers: a progress element says it. */
export function cells(done, total, busy = 0) {
  if (!(total > 0)) return nothing;
  const shown = Math.min(total, MOST_CELLS);
  const full = Math.floor((done / total) * shown);
  const under = Math.min(shown - full, Math.ceil((busy / total) * shown));
  const kind = (at) => (at < full ? "done" : at < full + under ? "busy" : "");
  return html`<div class="cells" aria-hidden="true">${Array.from({ length: shown }, (_, at) => html`<i class=${kind(at)}></i>`)}</div>`;
}
