// A workout as a row of blocks, runs high and walks low, with the place in it and what is over.

import { make, redraw, set, $ } from "./dom.js";

export function blocks(id, parts, { at = null, share = 0, label = "" } = {}) {
  redraw(id, [parts, at, Math.round(share * 100)], () => picture(parts, at, share));
  set($(id), "aria-label", label);
}

export function picture(parts, at = null, share = 0) {
  return parts.map(([kind, seconds], n) => {
    const block = make("span", { class: `block ${kind}`, "data-past": String(at !== null && n < at), "data-now": String(n === at) });
    block.style.flexGrow = String(Math.max(seconds, 1));
    if (n === at) {
      const done = make("span", { class: "done" });
      done.style.width = `${Math.min(100, 100 * share)}%`;
      block.append(done);
    }
    return block;
  });
}

export function label(parts) {
  const runs = parts.filter(([kind]) => kind === "run").length;
  return `${runs} ${runs === 1 ? "run" : "runs"} in ${parts.length} ${parts.length === 1 ? "part" : "parts"}`;
}
