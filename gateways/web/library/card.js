// One film in the library.
import { html, nothing } from "lit";
import { activity, failureOf, isPlayable, isWorking, paths, qualityOf } from "shared/asset.js";
import { copy } from "shared/announce.js";
import { bytes, clock, span } from "shared/format.js";
import { openEarly } from "shared/menus.js";
import { cells, icon, idButton, when } from "shared/parts.js";
import { hasDrm } from "shared/drm-api.js";
import { paths as rightsPaths } from "shared/licence-words.js";
import { place } from "shared/places.js";
import { mayProtect } from "shared/protection.js";
import { mayDo } from "shared/rights.js";
import { chooseVisibility, mayShare, visibilityBadge, visibilityItems } from "shared/visibility.js";

const ACTIONS = {
  watch: (asset) => location.assign(paths.watch(asset.id)),
  numbers: (asset) => location.assign(paths.numbers(asset.id)),
  log: (asset) => location.assign(paths.log(asset.id)),
  protection: (asset) => location.assign(rightsPaths.film(asset.id)),
  link: (asset) => copy(location.origin + paths.watch(asset.id), "Link"),
  id: (asset) => copy(asset.id, "Asset id"),
};

function menu(asset, { onDelete, onChange }) {
  const choose = async (event) => {
    const { value } = event.detail.item;
    if (value === "delete") onDelete(asset);
    else if (value.startsWith("show-")) onChange(await chooseVisibility(asset, value));
    else ACTIONS[value](asset);
  };
  return html`
    <wa-dropdown placement="bottom-end" @wa-select=${choose}>
      <button slot="trigger" class="icon-button" type="button" aria-label="More for ${asset.title}" @click=${openEarly}>${icon("ellipsis-vertical")}</button>
      ${isPlayable(asset) ? html`<wa-dropdown-item value="watch"><wa-icon slot="icon" name="play"></wa-icon>Watch</wa-dropdown-item>` : nothing}
      ${place("analytics") !== null && mayDo("analytics:read", asset) ? html`<wa-dropdown-item value="numbers"><wa-icon slot="icon" name="chart-column"></wa-icon>Analytics</wa-dropdown-item>` : nothing}
      ${mayDo("log:read", asset) ? html`<wa-dropdown-item value="log"><wa-icon slot="icon" name="list-tree"></wa-icon>Events</wa-dropdown-item>` : nothing}
      ${(asset.protection && hasDrm() && mayDo("drm:read", asset)) || (asset.state === "ready" && mayProtect(asset)) ? html`<wa-dropdown-item value="protection"><wa-icon slot="icon" name="lock-keyhole"></wa-icon>Protection</wa-dropdown-item>` : nothing}
      <wa-dropdown-item value="link"><wa-icon slot="icon" name="link"></wa-icon>Copy link</wa-dropdown-item>
      <wa-dropdown-item value="id"><wa-icon slot="icon" name="copy"></wa-icon>Copy id</wa-dropdown-item>
      ${mayShare(asset) ? html`<h3>Who may see it</h3>${visibilityItems(asset)}` : nothing}
      ${mayDo("assets:delete", asset) ? html`<wa-dropdown-item value="delete" variant="danger"><wa-icon slot="icon" name="trash-2"></wa-icon>Delete…</wa-dropdown-item>` : nothing}
    </wa-dropdown>`;
}

function picture(asset, progress) {
  const working = isWorking(asset);
  const poster = asset.links?.poster;
  return html`
    ${poster ? html`<img src=${asset.links.poster} alt="" loading="lazy" decoding="async" width="640" height="360" @error=${(event) => event.target.remove()}>` : nothing}
    ${isPlayable(asset) && !poster ? html`<div class="waiting">${icon("clapperboard", "big")}</div>` : nothing}
    ${asset.state === "failed" ? html`<div class="waiting">${icon("circle-alert", "big danger")}</div>` : nothing}
    ${working && !isPlayable(asset)
      ? html`<div class="waiting"><span class="percent">${progress.chunks_total ? html`${Math.floor(progress.percent ?? 0)}<small>%</small>` : icon("loader-circle", "spin")}</span></div>`
      : nothing}
    ${isPlayable(asset) ? html`<span class="play">${icon("play")}</span>` : nothing}
    ${asset.duration_ms ? html`<span class="badge end">${clock(asset.duration_ms)}</span>` : nothing}
    ${visibilityBadge(asset)}
    ${asset.state === "playable" ? html`<span class="badge start"><span class="pulse"></span>Plays already</span>` : nothing}`;
}

function working(asset, progress) {
  const eta = progress.eta_s > 0 ? `${span(progress.eta_s)} left` : "";
  const percent = Math.floor(progress.percent ?? 0);
  return html`
    <progress class="visually-hidden" max="100" .value=${percent} aria-label="Processing of ${asset.title}"></progress>
    ${cells(progress.chunks_done, progress.chunks_total, progress.work?.length ?? 0)}
    <p class="meta">${[activity({ ...asset, progress }), asset.state === "playable" ? `${percent} %` : "", eta].filter(Boolean).join(" · ")}</p>`;
}

/** `live` is the newest progress seen on the event stream, newer than the asset's own. */
export function assetCard(asset, { live, ...actions }) {
  const progress = { ...asset.progress, ...live };
  const target = isPlayable(asset) || isWorking(asset) ? paths.watch(asset.id) : paths.log(asset.id);
  return html`
    <li class="card" data-state=${asset.state} data-id=${asset.id}>
      <a class="poster" href=${target} tabindex="-1" aria-hidden="true">${picture(asset, progress)}</a>
      <div class="card-body">
        <div class="lines">
          <h2><a href=${target} title=${asset.title}>${asset.title}</a></h2>
          ${asset.state === "failed"
            ? html`<p class="sentence">${failureOf(asset)}</p>
                <div class="card-actions">
                  <a class="button small" href=${paths.log(asset.id)}>${icon("list-tree")}Why?</a>
                  ${idButton(asset.failure?.trace_id ?? asset.id, asset.failure?.trace_id ? "Trace id" : "Asset id")}
                </div>`
            : isWorking(asset)
              ? working(asset, progress)
              : html`<p class="meta">${[qualityOf(asset), bytes(asset.size_bytes)].filter(Boolean).join(" · ")} · ${when(asset.created_at_ms)}</p>`}
        </div>
        ${menu(asset, actions)}
      </div>
    </li>`;
}

export const skeletonCard = () => html`
  <li class="card" aria-hidden="true">
    <div class="poster"><span class="skeleton fill"></span></div>
    <div class="card-body"><div class="lines"><span class="skeleton line wide"></span><span class="skeleton line"></span></div></div>
  </li>`;
