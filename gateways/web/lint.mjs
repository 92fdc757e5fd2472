// Cheap checks of the pages' own modules, without a linter to install: `npm run lint`.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MOST_LINES = 200;
const RULES = [
  [/\bstyle=["$]/, "inline style: the policy forbids it, use a class"],
  [/https?:\/\/(?!www\.w3\.org|video\.example\.org)/, "an outside address: pages talk to their own host only"],
  [/\bfetch\(/, "fetch outside shared/api.js: data comes through one door", /(shared\/api|analytics-client\/beats)\.js$/],
  [/\binnerHTML\b|\bunsafeHTML\b/, "raw HTML: use templates"],
  [/console\.(log|debug)/, "a forgotten console call"],
];

const files = ["shared", "library", "watch", "analytics-client", "log", "sign-in", "redeem", "account", "users", "audit", "chat", "rooms", "room", "moderate", "analytics", "rights"].flatMap((folder) =>
  readdirSync(new URL(folder, import.meta.url)).filter((name) => name.endsWith(".js")).map((name) => join(folder, name)));
const findings = [];
for (const file of files) {
  const lines = readFileSync(new URL(file, import.meta.url), "utf8").split("\n");
  if (lines.length > MOST_LINES) findings.push(`${file}: ${lines.length} lines, at most ${MOST_LINES}: split it`);
  lines.forEach((line, at) => {
    for (const [pattern, message, except] of RULES) {
      if (pattern.test(line) && !except?.test(file)) findings.push(`${file}:${at + 1}: ${message}`);
    }
  });
  try {
    execFileSync(process.execPath, ["--check", file], { cwd: new URL(".", import.meta.url), stdio: "pipe" });
  } catch (error) {
    findings.push(`${file}: ${error.stderr}`);
  }
}
findings.forEach((finding) => console.error(finding));
process.exitCode = findings.length ? 1 : 0;
