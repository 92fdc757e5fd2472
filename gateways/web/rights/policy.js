// One policy: its rules, and a change of them. Who changes it says which version they saw.
import { html, nothing } from "shared/element.js";
import { toast } from "shared/announce.js";
import { drm } from "shared/drm-api.js";
import { paths } from "shared/licence-words.js";
import { icon, problemNotice, when } from "shared/parts.js";
import { may } from "shared/rights.js";
import { Section } from "shared/section.js";
import "./policy-history.js";
import { rulesForm } from "./rules-form.js";
import { NOTHING, rulesOf, sentences } from "./rules-words.js";

const NEW = { version: 0, rules: NOTHING, changed_at_ms: null };

class PolicyPage extends Section {
  static properties = { policyId: {}, refusal: { state: true }, theirs: { state: true } };

  trouble = "The policy could not be read";

  async read() {
    try {
      return await drm.policy(this.policyId);
    } catch (problem) {
      if (problem.status === 404 && may("drm:policies")) return { ...NEW, fresh: true };
      throw problem;
    }
  }

  async save(event) {
    event.preventDefault();
    const rules = rulesOf(new FormData(event.currentTarget));
    if (this.busy) return;
    [this.busy, this.refusal] = [true, null];
    try {
      this.data = await drm.setPolicy(this.policyId, (this.theirs ?? this.data).version, rules);
      this.theirs = null;
      toast(`Version ${this.data.version} counts from the next licence on`);
    } catch (problem) {
      this.refusal = problem;
      // what was written stays in the form; what the other one wrote is shown beside it
      if (problem.status === 409) this.theirs = await drm.policy(this.policyId).catch(() => null);
    }
    this.busy = false;
  }

  /** Gives up what was written, for what the other one wrote. */
  take() {
    const theirs = this.theirs;
    [this.theirs, this.refusal, this.data] = [null, null, undefined];
    this.updateComplete.then(() => (this.data = theirs));
  }

  render() {
    return html`
      <nav class="crumbs" aria-label="Where"><a href=${paths.policies()}>Policies</a>${icon("chevron-right")}<span>${this.policyId}</span></nav>
      <header class="page-head"><h1>${this.policyId}</h1>
        ${this.data ? html`<span class="chip">${this.data.fresh ? "new" : `version ${this.data.version}`}</span>` : nothing}
        ${this.data?.changed_at_ms ? html`<span class="faint">changed ${when(this.data.changed_at_ms)}</span>` : nothing}</header>
      ${super.render()}`;
  }

  conflict() {
    if (!this.theirs) return problemNotice(this.refusal, { title: "The policy was not changed" });
    return html`
      <div class="notice" role="alert">${icon("git-compare-arrows")}
        <div class="body"><p class="title">Somebody else changed it meanwhile</p>
          <p class="quiet">Version ${this.theirs.version} says: ${sentences(this.theirs.rules).join(" ") || "it asks for nothing."} What you wrote still stands below; saving once more puts it in the place of that version.</p>
          <div class="actions"><button class="button small" type="button" @click=${this.take}>Take version ${this.theirs.version}</button></div></div></div>`;
  }

  content({ rules, version }) {
    const off = !may("drm:policies");
    return html`
      ${off ? html`<p class="quiet hint">Only operators change policies; who owns a film chooses one for it.</p>` : nothing}
      <form class="panel rules" @submit=${this.save}>
        ${rulesForm(rules, off)}
        ${this.refusal ? this.conflict() : nothing}
        ${off ? nothing : html`<div class="form-actions"><a class="button" href=${paths.policies()}>Back</a><button class="button primary" type="submit" ?disabled=${this.busy}>${this.busy ? "Saving…" : this.theirs ? "Save mine instead" : "Save"}</button></div>`}
      </form>
      ${version ? html`<kl-policy-history class="panel" .policyId=${this.policyId} .version=${version}></kl-policy-history>` : nothing}`;
  }
}

customElements.define("kl-policy", PolicyPage);
