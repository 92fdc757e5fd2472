// A film's protection: how it is encrypted, who may watch it, by which policy, its switch, and what was decided.
import { html, nothing } from "shared/element.js";
import { toast } from "shared/announce.js";
import { dialogActions, dialogForm, openDialog, reasonField, reasonOf } from "shared/dialog.js";
import { drm } from "shared/drm-api.js";
import { ACCESS, LABELS, SCHEMES, paths, systemName } from "shared/licence-words.js";
import { blank, icon, idButton } from "shared/parts.js";
import { library } from "shared/places.js";
import { isOthers, mayDo, may } from "shared/rights.js";
import { Section } from "shared/section.js";
import { askSwitch } from "shared/watching.js";
import "./licences.js";
import "./protect.js";
import { beyondClearKey, sentences } from "./rules-words.js";
import "./trial.js";

const askAccess = (film, policies) => openDialog("Who may watch it", (ask) => dialogForm(
  (fields) => ask.run(() => drm.changeFilm(film.asset_id, { access: fields.get("access"), policy_id: fields.get("policy_id"), reason: reasonOf(fields) })),
  html`
    <fieldset class="choices"><legend>Access</legend>${Object.entries(ACCESS).map(([access, [label, says]]) => html`
      <label class="choice"><input type="radio" name="access" value=${access} ?checked=${film.access === access}><span>${label} <span class="faint">${says}</span></span></label>`)}</fieldset>
    <label for="policy">Policy</label>
    <select id="policy" name="policy_id" class="select">${policies.map(({ policy_id }) => html`<option value=${policy_id} ?selected=${policy_id === film.policy_id}>${policy_id}</option>`)}</select>
    <p class="faint">It counts for the next licence: those that were given before stand until they end.</p>
    ${isOthers(film) ? reasonField : nothing}
    ${dialogActions(ask, { label: "Save", busy: "Saving…" })}`));

class FilmRights extends Section {
  static properties = { assetId: {} };

  trouble = "The film's protection could not be read";

  read = () => drm.film(this.assetId);

  async change(film) {
    const { items } = await drm.policies().catch((problem) => ((this.problem = problem), { items: null }));
    if (!items) return;
    const changed = await askAccess(film, items);
    if (!changed) return;
    this.data = changed;
    toast("Saved: it counts for the next licence");
  }

  async turn(film) {
    const off = !film.stopped;
    const says = off ? "Nobody gets a licence for it any more. Where it plays now, it ends." : "Licences are given again, to those who may watch it.";
    const done = await askSwitch(`Switch “${film.title}” ${off ? "off" : "on"}?`, says, off, (reason) => drm.stopFilm(film.asset_id, off, reason));
    if (!done) return;
    this.data = done;
    toast(off ? "The film is switched off" : "The film is switched on");
  }

  render() {
    if (this.problem?.status === 404) {
      return blank({ level: 1, name: "lock-open", title: "Not a protected film", text: "There is no such film, or it is not encrypted: then it plays without a licence.", actions: html`${this.protect()}<a class="button" href=${library()}>Go to the library</a>` });
    }
    return html`
      <nav class="crumbs" aria-label="Where"><a href=${library()}>Library</a>${icon("chevron-right")}<span>Protection</span></nav>
      <header class="page-head"><h1>${this.data?.title ?? "Protection"}</h1>${this.data?.stopped ? html`<span class="chip failed">Switched off</span>` : nothing}</header>
      ${super.render()}`;
  }

  content(film) {
    return html`
      <div class="columns">${this.encryption(film)}${this.access(film)}</div>
      ${may("drm:read") ? html`<kl-trial class="panel" .assetId=${film.asset_id}></kl-trial>` : nothing}
      <section class="log-part"><h2>Licences</h2><kl-licences .assetId=${film.asset_id}></kl-licences></section>`;
  }

  encryption({ protection }) {
    return html`<section class="panel"><header><h2>Encryption</h2></header><dl class="facts">
      <dt>Scheme</dt><dd>${SCHEMES[protection.scheme] ?? protection.scheme}</dd>
      <dt>Systems</dt><dd class="chips">${protection.systems.map((name) => html`<span class="chip">${systemName(name)}</span>`)}</dd>
      <dt>Keys</dt><dd>${protection.keys.length ? html`<ul class="content-keys" aria-label="Keys">${protection.keys.map(({ label, kid }) => html`<li><span>${LABELS[label] ?? label}</span>${idButton(kid, "Key id")}</li>`)}</ul>` : html`<span class="quiet">None yet: they are made when the film is planned.</span>`}</dd>
      <dt>Version</dt><dd>${protection.version} <span class="faint">of the keys; their values never leave the vault but in licences</span></dd></dl>${this.protect()}</section>`;
  }

  protect() {
    return html`<kl-protect .assetId=${this.assetId} @protected=${() => this.reload()}></kl-protect>`;
  }

  access(film) {
    const beyond = film.rules && film.protection.systems.includes("clearkey") ? beyondClearKey(film.rules) : [];
    const [label, says] = ACCESS[film.access];
    return html`<section class="panel"><header><h2>Who may watch it</h2><span class="grow"></span>
        ${mayDo("drm:policies", film) ? html`<button class="button small" type="button" @click=${() => this.change(film)}>${icon("pencil")}Change</button>` : nothing}</header>
      <dl class="facts">
        <dt>Access</dt><dd>${label} <span class="faint">${says}</span></dd>
        <dt>Policy</dt><dd><a class="text" href=${paths.policy(film.policy_id)}>${film.policy_id}</a> <span class="faint">${film.policy_version ? `version ${film.policy_version}` : film.rules ? "never changed" : "not there"}</span>
          ${film.rules ? html`<p class="quiet">${sentences(film.rules).join(" ") || "It asks for nothing."}</p>` : html`<p class="warned">There is no such policy, so nobody can watch. Choose another, or make it.</p>`}
          ${beyond.length ? html`<p class="warned">Clear Key cannot enforce “${beyond.join("”, “")}”: by it nobody gets a licence.</p>` : nothing}</dd>
        <dt>Licences</dt><dd class="switch"><span>${film.stopped ? "Switched off" : "Given"}</span>
          ${mayDo("drm:stop", film) ? html`<button class="button small ${film.stopped ? "" : "danger-outline"}" type="button" @click=${() => this.turn(film)}>${icon("power")}${film.stopped ? "Switch on…" : "Switch off…"}</button>` : nothing}</dd></dl></section>`;
  }
}

customElements.define("kl-film-rights", FilmRights);
