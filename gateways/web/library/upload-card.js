// A file on its way, in the place where its poster will be.
import { html, nothing } from "lit";
import { bytes, rate, span } from "shared/format.js";
import { icon, idButton, signInButton } from "shared/parts.js";

function progressLine(item) {
  if (item.state === "waiting") return "Waiting for its turn";
  if (item.sent >= item.file.size) return "Sent, being stored";
  const remaining = item.speed > 0 ? (item.file.size - item.sent) / item.speed : NaN;
  return [`${bytes(item.sent)} of ${bytes(item.file.size)}`, rate(item.speed), span(remaining) && `${span(remaining)} left`]
    .filter(Boolean)
    .join(" · ");
}

export function uploadCard(item, uploads) {
  const percent = Math.floor((item.sent / Math.max(1, item.file.size)) * 100);
  const failed = item.state === "failed";
  return html`
    <li class="card upload" data-state=${item.state}>
      <div class="poster">
        <div class="waiting">
          ${failed ? icon("circle-alert", "big danger") : html`<span class="percent">${item.state === "waiting" ? icon("clock") : html`${percent}<small>%</small>`}</span>`}
        </div>
        ${failed ? nothing : html`<progress class="edge" max="100" .value=${percent} aria-label="Upload of ${item.title}"></progress>`}
      </div>
      <div class="card-body">
        <div class="lines">
          <h2 title=${item.file.name}>${item.title}</h2>
          ${failed
            ? html`<p class="sentence" role="alert">${item.problem.message}</p>
                <div class="card-actions">
                  ${item.problem.final ? nothing : item.problem.refused ? signInButton({ plain: false, then: () => uploads.retry(item) }) : html`<button class="button small" type="button" @click=${() => uploads.retry(item)}>${icon("rotate-cw")}Try again</button>`}
                  <button class="button small plain" type="button" @click=${() => uploads.drop(item)}>Remove</button>
                  ${item.problem.traceId ? idButton(item.problem.traceId, "Trace id") : nothing}
                </div>`
            : html`<p class="meta">${progressLine(item)}</p>${item.protection ? html`<p class="meta protected">${icon("lock")}Protected by ${item.protection.scheme}</p>` : nothing}`}
        </div>
        ${failed ? nothing : html`
          <button class="icon-button" type="button" aria-label="Cancel the upload of ${item.title}" title="Cancel" @click=${() => uploads.drop(item)}>${icon("x")}</button>`}
      </div>
    </li>`;
}
