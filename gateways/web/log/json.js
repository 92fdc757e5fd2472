// Decoded content, readable: keys, values in colour, ids and times explained on hover.
import { html } from "lit";
import { exact } from "shared/format.js";

const FOLD = 12; // longer lists start closed

function scalar(key, value) {
  if (value === null) return html`<span class="j-null">null</span>`;
  if (typeof value === "number") {
    const time = key.endsWith("_at_ms") || key === "at_ms" ? exact(value) : null;
    return html`<span class="j-number" title=${time ?? ""}>${value}</span>`;
  }
  if (typeof value === "boolean") return html`<span class="j-number">${value}</span>`;
  return html`<span class="j-text">${JSON.stringify(value)}</span>`;
}

function branch(key, value) {
  const list = Array.isArray(value);
  const items = Object.entries(value);
  const size = list ? `${items.length} item${items.length === 1 ? "" : "s"}` : `${items.length} field${items.length === 1 ? "" : "s"}`;
  if (!items.length) return html`<li><span class="j-key">${key}</span>: <span class="j-null">${list ? "[]" : "{}"}</span></li>`;
  return html`<li><details ?open=${items.length <= FOLD}><summary><span class="j-key">${key}</span> <span class="j-size">${size}</span></summary>${fields(value)}</details></li>`;
}

const fields = (value) => html`<ul>${Object.entries(value).map(([key, inner]) =>
  inner !== null && typeof inner === "object" ? branch(key, inner) : html`<li><span class="j-key">${key}</span>: ${scalar(key, inner)}</li>`)}</ul>`;

/** Any JSON value as a nested list. */
export const jsonTree = (value) => html`<div class="json">${value !== null && typeof value === "object" ? fields(value) : scalar("", value)}</div>`;
