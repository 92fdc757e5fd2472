// Short messages: spoken to screen readers, shown as a toast where it helps.

const SHOWN_MS = 2600;

/** Says `text` to assistive technology, politely. */
export function announce(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

export function toast(text) {
  announce(text);
  let stack = document.querySelector(".toasts");
  if (!stack) {
    stack = document.createElement("div");
    stack.className = "toasts";
    stack.setAttribute("aria-hidden", "true");
    document.body.append(stack);
  }
  const item = document.createElement("div");
  item.className = "toast";
  item.textContent = text;
  stack.append(item);
  setTimeout(() => item.remove(), SHOWN_MS);
}

/** Puts `text` on the clipboard and says so; `what` names it ("Link", "Event id"). */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    toast(`The browser did not allow copying. ${what}: ${text}`);
  }
}
