// A total against its limits: what is used up, and where it warns and stops.

import { $, make, redraw, set, show } from "./dom.js";

export function bar(id, total, say, unit) {
  const shown = total.end !== null && total.end > 0;
  show(id, shown);
  if (!shown) return;
  const most = Math.max(total.end * 1.08, total.value ?? 0);
  redraw(id, { ...total, most }, () => {
    const at = (v) => `${Math.min(100, (100 * v) / most)}%`;
    const fill = make("span", { class: "fill", "data-level": total.level });
    fill.style.width = at(total.value ?? 0);
    const ticks = [["warn", total.warn], ["stop", total.stop]].filter(([, v]) => v !== null);
    return [
      make("span", { class: "track" }, fill),
      ...ticks.map(([name, v]) => {
        const tick = make("span", { class: `tick ${name}` }, make("span", {}, `${name} ${say(v)}`));
        tick.style.left = at(v);
        return tick;
      }),
    ];
  });
  const done = total.value === null ? "nothing measured" : `${say(total.value)} ${unit}`;
  set($(id), "aria-label", `${done} of ${say(total.end)} ${unit}`);
}
