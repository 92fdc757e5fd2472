// How what is uploaded from this tab is protected, chosen before the files are.
import { html } from "lit";
import { dialogActions, dialogForm, openDialog } from "shared/dialog.js";
import { isWhole, policyIds, protectionFields, protectionOf, wishFrom } from "shared/protection.js";

/** Resolves to the protection (null: none), or to undefined if it stays as it was. */
export async function chooseProtection(now) {
  const [policies, wish] = [await policyIds(), wishFrom(now, { optional: true })];
  const answer = await openDialog("Protection of uploads", (ask) => dialogForm(
    () => ask.close({ protection: protectionOf(wish) }),
    html`
      <p class="quiet">It holds for the files you upload from this page from now on. A film that is there is protected on its own page.</p>
      ${protectionFields(wish, { policies, optional: true, draw: () => ask.draw() })}
      ${dialogActions(ask, { label: "Use it", blocked: !isWhole(wish) })}`));
  return answer?.protection;
}
