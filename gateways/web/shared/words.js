// Roles, permissions and clients in words. What is not known here is shown by its own name, never hidden.

export const ROLES = {
  viewer: "Watches what others published",
  creator: "Uploads films and manages their own",
  moderator: "Sees everything, may delete it",
  analyst: "Reads the events of everything",
  operator: "Sees accounts and the audit, runs the platform",
  admin: "May do everything",
};

const PERMISSIONS = {
  "account:self": "See and change one's own account",
  "assets:read": "See all films",
  "assets:read:own": "See one's own films",
  "assets:write": "Upload films",
  "assets:change": "Change films",
  "assets:change:own": "Change one's own films",
  "assets:delete": "Delete films",
  "assets:delete:own": "Delete one's own films",
  "log:read": "Read all events",
  "log:read:own": "Read the events of one's own films",
  "users:read": "See accounts",
  "users:write": "Invite, change and erase accounts",
  "audit:read": "Read the audit",
  "signing:rotate": "Replace the key for session tokens",
  "analytics:read": "See the numbers of all films",
  "analytics:read:own": "See the numbers of one's own films",
  "drm:read": "See licences, policies, and everybody's rights and devices",
  "drm:read:own": "See policies, and the licences of one's own films",
  "drm:policies": "Change policies, and who may watch which film",
  "drm:policies:own": "Change who may watch one's own films",
  "drm:stop": "Switch licences off and on, end streams, forget devices",
  "drm:stop:own": "Switch licences of one's own films off and on",
  "drm:rights": "Give rights to films and take them back",
  "drm:package": "Take content keys, as packagers do",
  "chat:write": "Write in rooms",
  "chat:moderate": "Moderate every room",
  "chat:moderate:own": "Moderate one's own rooms",
  "rooms:write": "Open rooms",
};

export const permissionWords = (name) => PERMISSIONS[name] ?? name;

const BROWSERS = [[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrome\//, "Chrome"], [/Safari\//, "Safari"], [/curl\//, "curl"], [/python|aiohttp/i, "Python"]];
const SYSTEMS = [[/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/Linux/, "Linux"]];
const firstOf = (table, text) => table.find(([pattern]) => pattern.test(text))?.[1];

/** "Firefox on Linux" of a User-Agent. */
export function clientOf(agent) {
  if (!agent) return "Unknown client";
  const [browser, system] = [firstOf(BROWSERS, agent), firstOf(SYSTEMS, agent)];
  return browser ? `${browser}${system ? ` on ${system}` : ""}` : agent.slice(0, 40);
}

export const personOf = (user) => user.display_name || user.email || "Somebody without a name";
