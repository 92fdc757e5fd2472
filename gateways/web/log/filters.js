// Which types are shown: one switch a type, gathered by topic.
import { html } from "lit";
import { shortType } from "shared/describe.js";
import { icon } from "shared/parts.js";
import { facets } from "./model.js";

export function filters(view) {
  const topics = facets(view.log.entries);
  return html`
    <details class="filters" ?open=${!matchMedia("(max-width: 1000px)").matches}>
      <summary><span>Types</span>${view.hiddenTypes.size ? html`<span class="chip">${view.hiddenTypes.size} hidden</span>` : ""}${icon("chevron-down")}</summary>
      <div class="topics">
        ${[...topics].map(([topic, types]) => html`
          <fieldset><legend><code>${topic}</code></legend>
            ${[...types].map(([type, number]) => html`
              <label><input type="checkbox" .checked=${!view.hiddenTypes.has(type)} @change=${() => view.toggleType(type)}>
                <span>${shortType(type)}</span><span class="faint">${number}</span></label>`)}
          </fieldset>`)}
        ${view.hiddenTypes.size ? html`<button class="button small" type="button" @click=${() => view.showAllTypes()}>Show all types</button>` : ""}
      </div>
    </details>`;
}
