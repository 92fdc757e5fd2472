// Lucide icons from our own host. Web Awesome's own defaults would come from an outside address.
import "wa/icon/icon.js";
import { registerIconLibrary } from "wa/icon/library.js";

const base = import.meta.resolve("lucide/");
const SYSTEM = { xmark: "x", "chevron-down": "chevron-down", "chevron-right": "chevron-right", check: "check" };

const outlined = (svg) => {
  svg.style.fill = "none";
};

registerIconLibrary("default", { resolver: (name) => `${base}${name}.svg`, mutator: outlined });
registerIconLibrary("system", { resolver: (name) => `${base}${SYSTEM[name] ?? name}.svg`, mutator: outlined });
