// Left against right: contact time in large, all other metrics in a table, each with its interval and what to keep in
// mind. A metric is compared by symmetry index, or by difference where its values may be near 0.

import { bar } from "./bar.js";
import { $, drawn, make, redraw, set, show, text } from "./dom.js";
import { agoText, count, DASH, fixed, short, together } from "./format.js";

const BIG = "contact_time";
const OLD_S = 60; // design choice: while she runs every metric is told more often than this

const ms = { scale: 1000, digits: 0, unit: "ms" };
const METRICS = {
  contact_time: { name: "Contact time", ...ms },
  swing_time: { name: "Swing time", ...ms },
  duty_factor: { name: "Duty factor", scale: 100, digits: 1, unit: "%" },
  step_time: { name: "Step time", ...ms },
  flight_time: { name: "Flight time", ...ms },
  impact_peak: { name: "Impact", scale: 1, digits: 1, unit: "g" },
  impact_band: { name: "Impact 12–20 Hz", scale: 1, digits: 2, unit: "g" },
  force_peak: { name: "Peak force, estimated", scale: 1, digits: 2, unit: "BW" },
  impulse: { name: "Impulse, estimated", scale: 1, digits: 3, unit: "BW·s" },
  strike_angle: { name: "Strike angle", scale: 1, digits: 1, unit: "°" },
};
const DIFFERENCES = { flight_time: " ms", strike_angle: "°" };
const UNITS = { "%": " %", ms: " ms", deg: "°" };

export function asymmetry(p) {
  big(p.asymmetry[BIG], p);
  change(p.limits.items.find((l) => l.rule === `asymmetry.${BIG}`));
  const others = Object.keys(METRICS).filter((m) => m !== BIG && p.asymmetry[m]).map((m) => p.asymmetry[m]);
  show("others", others.length > 0);
  text("others-count", count(others.length, "more metric"));
  const common = shared(others);
  text("others-n", common.length ? `For all of these: ${common.join(" · ")}` : "");
  redraw("metrics", [others, others.map((a) => old(a, p))], () => others.flatMap((a) => row(a, p, common)));
}

function big(a, p) {
  show("si-scale", Boolean(a));
  if (!a) {
    for (const id of ["si-side", "si-n", "si-why"]) text(id, "");
    text("si", DASH);
    return;
  }
  text("si", Math.abs(a.si_pct).toFixed(1));
  text("si-side", side(a));
  const interval = a.si_low_pct === null ? "interval not known yet" : `95 % interval ${signed(a.si_low_pct)} to ${signed(a.si_high_pct)} %`;
  text("si-n", together(`SI ${signed(a.si_pct)} % · ${interval} · balance ${fixed(a.balance_pct, 1)} % left · n ${count(a.n, "pair")}`));
  text("si-why", together(mind(a, p).join(" · ")));
  redraw("si-scale", a, () => scale(a));
  set($("si-scale"), "aria-label", `Symmetry index ${signed(a.si_pct)} percent`);
}

// A side is named only when its interval is clear of none, or not known yet.
function side(a) {
  if (a.si_low_pct !== null && a.si_low_pct <= 0 && a.si_high_pct >= 0) return "no clear side";
  if (Math.abs(a.si_pct) < 0.05) return "even";
  return a.si_pct > 0 ? "left longer" : "right longer";
}

// What is limited is the change from her own baseline, either way: not the difference itself.
function change(limit) {
  show("change", Boolean(limit));
  if (!limit) return;
  const value = limit.value === null ? DASH : `${short(limit.value)} ${limit.unit}`;
  text("change-text", together(`Change from your usual: ${value}${limit.reason ? ` (${limit.reason})` : ""}`));
  bar("change-bar", { ...limit, end: limit.stop ?? limit.warn }, short, limit.unit);
}

// What is to be kept in mind with every one of them is said once.
function shared(others) {
  const [first, ...rest] = others.map(whys);
  return rest.length ? first.filter((why) => rest.every((whyOf) => whyOf.includes(why))) : [];
}

function whys(a) {
  return a.why ? a.why.split("; ") : [];
}

function row(a, p, common) {
  const m = METRICS[a.metric];
  const side = (v) => (v === null ? DASH : fixed(v * m.scale, m.digits));
  const [value, low, high] = a.si_pct !== null ? [a.si_pct, a.si_low_pct, a.si_high_pct] : [a.difference, a.difference_low, a.difference_high];
  const unit = UNITS[a.unit] ?? ` ${a.unit}`;
  const interval = low === null ? "interval not known yet" : `${signed(low)} to ${signed(high)}`;
  return [
    make("tr", { "data-metric": a.metric },
      make("th", { scope: "row" }, m.name, " ", make("span", { class: "unit" }, m.unit)),
      make("td", {}, side(a.left)), make("td", {}, side(a.right)),
      make("td", {}, make("strong", {}, value === null ? DASH : `${signed(value)}${unit}`), make("span", { class: "n" }, interval))),
    make("tr", { class: "mind" }, make("td", { colspan: "4", class: "n" }, together([`n ${count(a.n, "pair")}`, ...mind(a, p, common)].join(" · ")))),
  ];
}

// What belongs beside a value: her usual, how much is scatter, device noise, how old it is.
function mind(a, p, common = []) {
  const unit = a.unit === "%" ? " points" : (UNITS[a.unit] ?? ` ${a.unit}`);
  const words = [];
  if (a.baseline !== null) words.push(`usual ${signed(a.baseline)}${UNITS[a.unit] ?? ` ${a.unit}`}${usual(a)}`);
  if (a.mdc !== null) words.push(`scatter up to ${short(a.mdc)}${unit} ${a.mdc_from === "runs" ? "between runs" : "in this run"}`);
  if (a.device_bias !== null) words.push(`pods' own difference of ${signed(a.device_bias)}${UNITS[a.unit] ?? ""} taken off`);
  words.push(...whys(a).filter((why) => !common.includes(why)));
  const age = old(a, p);
  if (age) words.push(`${age} old`);
  return words;
}

function usual(a) {
  const m = METRICS[a.metric];
  const facts = [];
  if (a.baseline_runs) facts.push(count(a.baseline_runs, "run"));
  if (a.baseline_label) facts.push(a.baseline_label === "fixed" ? "set in the plan" : a.baseline_label);
  if (a.baseline_left !== null && a.baseline_right !== null) {
    const side = (v) => fixed(v * m.scale, m.digits);
    facts.push(`left ${side(a.baseline_left)}, right ${side(a.baseline_right)} ${m.unit}`);
  }
  return facts.length ? ` (${facts.join(", ")})` : "";
}

function old(a, p) {
  const age = p.t_s - a.t_s;
  return age > OLD_S ? agoText(age) : null;
}

// Medians of a whole run, but for the two metrics that have words of their own.
export function medians(metrics) {
  const found = Object.entries(METRICS).filter(([key]) => key !== BIG && key !== "impact_peak" && metrics?.[key]);
  return found.map(([key, m]) => {
    const { left, right, index } = metrics[key];
    const side = (v) => (v === null ? DASH : fixed(v * m.scale, m.digits));
    const compared = index === null ? "" : `, difference ${signed(index)}${DIFFERENCES[key] ?? " %"}`;
    return [m.name, together(`left ${side(left)}, right ${side(right)} ${m.unit}${compared}`)];
  });
}

export function signed(v) {
  const size = Math.abs(v).toFixed(1);
  return Number(size) === 0 ? size : `${v > 0 ? "+" : "−"}${size}`;
}

// Left longer to the left of the middle, right longer to the right of it.
function scale(a) {
  const ends = [a.si_pct, a.si_low_pct, a.si_high_pct].filter((v) => v !== null).map(Math.abs);
  const most = Math.max(10, 1.1 * Math.max(...ends));
  const x = (v) => 160 - (150 * v) / most;
  const parts = [drawn("line", { class: "axis", x1: 10, x2: 310, y1: 24, y2: 24 }), drawn("line", { class: "zero", x1: 160, x2: 160, y1: 12, y2: 36 })];
  if (a.si_low_pct !== null) {
    const [from, to] = [x(a.si_high_pct), x(a.si_low_pct)];
    parts.push(drawn("rect", { class: "interval", x: from, width: Math.max(to - from, 1), y: 19, height: 10, rx: 5 }));
  }
  parts.push(drawn("circle", { class: "point", cx: x(a.si_pct), cy: 24, r: 7 }));
  for (const [where, words, anchor] of [[10, "◀ left longer", "start"], [310, "right longer ▶", "end"]]) {
    const node = drawn("text", { class: "end", x: where, y: 52, "text-anchor": anchor });
    node.textContent = words;
    parts.push(node);
  }
  return [drawn("svg", { viewBox: "0 0 320 56", "aria-hidden": "true" }, ...parts)];
}
