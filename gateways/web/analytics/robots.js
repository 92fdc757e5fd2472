// Robots are left out, and it is said how many.
import { html, nothing } from "shared/element.js";
import { icon } from "shared/parts.js";
import { address } from "./address.js";
import { whole } from "./numbers.js";

/** `excluded`: sessions of robots in this time by these filters; undefined while it is not known. */
export const robots = (excluded) => (excluded === undefined ? nothing : html`
  <p class="robots faint">${icon("bot")}${address.withBots
    ? html`Sessions of robots are included.`
    : excluded ? html`${whole(excluded)} ${excluded === 1 ? "session of a robot is" : "sessions of robots are"} left out.` : html`No robot was seen.`}
    ${address.withBots || excluded ? html`<button class="link" type="button" @click=${() => address.set({ bots: address.withBots ? "" : "include" })}>${address.withBots ? "Leave them out" : "Include them"}</button>` : nothing}</p>`);
