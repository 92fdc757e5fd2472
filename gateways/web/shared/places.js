// Where the services are that pages lead to or call. The shell tells: a base URL, or `:port` of this page's own host.

const told = JSON.parse(document.querySelector('meta[name="kinolog-places"]')?.content || "{}");

/** Address of `path` at a service; null if nobody told where it is. */
export function place(service, path = "/") {
  const base = told[service];
  if (base === undefined) return null;
  return (base.startsWith(":") ? `${location.protocol}//${location.hostname}${base}` : base) + path;
}

/** The same for a WebSocket. */
export function socketPlace(service, path) {
  const url = new URL(place(service, path), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** Whether this page is one of the service's. */
export const isAt = (service) => place(service) !== null && new URL(place(service)).origin === location.origin;

/** Where the library is; on a host that serves only this page, its own root. */
export const library = () => place("streaming") ?? "/";

/** The sign-in page, which leads back to `back`; null where there is none. */
export const signInPage = (back = location.href) => place("identity", `/sign-in?${new URLSearchParams({ next: back })}`);

/** `text` if it is an address of ours, else the library: a link must not lead people astray after they signed in. */
export function ours(text) {
  if (!text) return library();
  try {
    const url = new URL(text, location.origin);
    const origins = Object.keys(told).map((service) => new URL(place(service)).origin);
    if (/^https?:$/.test(url.protocol) && [location.origin, ...origins].includes(url.origin)) return url.href;
  } catch {
    // no address at all
  }
  return library();
}
