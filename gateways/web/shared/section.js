// A part of a page that reads something of its own: loading, trouble with its remedy, then what was read.
import { Part, html, nothing } from "shared/element.js";
import { blank, problemNotice, signInButton } from "shared/parts.js";

/** Subclasses have `read()` (resolves to the data) and `content(data)`; `reload()` reads anew. */
export class Section extends Part {
  static properties = { data: { state: true }, problem: { state: true }, busy: { state: true } };

  trouble = "This could not be read";

  connectedCallback() {
    super.connectedCallback();
    this.reload();
  }

  async reload() {
    try {
      this.data = await this.read();
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
    }
  }

  /** Does `work`, then reads anew; a problem is shown in place. */
  async act(work) {
    if (this.busy) return;
    [this.busy, this.problem] = [true, null];
    try {
      await work();
      await this.reload();
    } catch (problem) {
      this.problem = problem;
    }
    this.busy = false;
  }

  notice() {
    return this.problem ? problemNotice(this.problem, { title: this.problem.status === 409 ? undefined : this.trouble, retry: () => this.reload() }) : nothing;
  }

  render() {
    if (this.data !== undefined) return html`${this.notice()}${this.content(this.data)}`;
    return this.problem ? this.notice() : html`<div class="reading" role="group" aria-busy="true" aria-label="Loading">${[1, 2, 3].map(() => html`<span class="skeleton line"></span>`)}</div>`;
  }
}

/** In place of a page that this session may not see. */
export const forbidden = (what, then) => blank({
  name: "shield-x", title: `${what} is not for this session`,
  text: "Your roles do not allow it. An administrator can give you another role, or you sign in as somebody else.",
  actions: signInButton({ plain: false, then }),
});
