// Base of our elements: lit in the light DOM, so that one set of styles serves the whole page.
import { LitElement } from "lit";
import "shared/icons.js";

export { html, nothing } from "lit";
export { repeat } from "lit/directives/repeat.js";

export class Part extends LitElement {
  createRenderRoot() {
    return this;
  }
}
