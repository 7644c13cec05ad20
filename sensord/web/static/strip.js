// Strips of the last minutes: one line a foot, gaps where nothing was measured, the newest value marked.

import { $, drawn } from "./dom.js";

const HEIGHT = 56;
const PAD = 5;
const RIGHT = 34; // room for the range's labels
const GAP_S = 2.5;
const SPAN_S = 180;

export class Strips {
  constructor() {
    this.points = [];
  }

  reset(points) {
    this.points = points.slice();
    this.draw();
  }

  add(t, gait) {
    const last = this.points.at(-1);
    if (last && t <= last[0]) return;
    this.points.push([t, gait.cadence_spm, gait.left.contact_time_s, gait.right.contact_time_s]);
    while (this.points.length && this.points[0][0] < t - SPAN_S) this.points.shift();
    this.draw();
  }

  draw() {
    const pick = (i, scale) => this.points.map((p) => [p[0], p[i] === null ? null : p[i] * scale]);
    strip($("strip-cadence"), [{ name: "both", points: pick(1, 1) }], 10);
    const feet = [{ name: "left", points: pick(2, 1000) }, { name: "right", points: pick(3, 1000) }];
    strip($("strip-contact"), feet, 20);
  }
}

function strip(svg, lines, leastRange) {
  const width = svg.clientWidth || 320;
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const values = lines.flatMap((l) => l.points.map((p) => p[1]).filter((v) => v !== null));
  if (!values.length) {
    svg.replaceChildren(drawn("line", { class: "base", x1: 0, x2: width - RIGHT, y1: HEIGHT / 2, y2: HEIGHT / 2 }));
    return;
  }
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const short = leastRange - (high - low);
  if (short > 0) [low, high] = [low - short / 2, high + short / 2];
  const end = Math.max(...lines.flatMap((l) => l.points.map((p) => p[0])));
  const x = (t) => ((t - end + SPAN_S) / SPAN_S) * (width - RIGHT - 6);
  const y = (v) => HEIGHT - PAD - ((v - low) / (high - low)) * (HEIGHT - 2 * PAD);
  const parts = [
    drawn("line", { class: "base", x1: 0, x2: width - RIGHT, y1: y(high), y2: y(high) }),
    drawn("line", { class: "base", x1: 0, x2: width - RIGHT, y1: y(low), y2: y(low) }),
    label(high.toFixed(0), width, y(high) + 7),
    label(low.toFixed(0), width, y(low)),
  ];
  for (const line of lines) {
    const path = lineOf(line.points, x, y);
    if (path) parts.push(drawn("path", { class: `trace ${line.name}`, d: path }));
    const last = line.points.at(-1);
    if (last[1] !== null) parts.push(drawn("circle", { class: `tip ${line.name}`, cx: x(last[0]), cy: y(last[1]), r: 3.5 }));
  }
  svg.replaceChildren(...parts);
}

function label(words, x, y) {
  const node = drawn("text", { class: "tick", x, y, "text-anchor": "end" });
  node.textContent = words;
  return node;
}

function lineOf(points, x, y) {
  let path = "";
  let before = null;
  for (const [t, v] of points) {
    if (v !== null) path += `${before !== null && t - before < GAP_S ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`;
    before = v === null ? null : t;
  }
  return path;
}
