// Each foot in detail, closed until somebody opens it: step and flight times, how it lands, estimated force, load so far.
// A row that neither foot has a value for is not there.

import { make, redraw, text } from "./dom.js";
import { count, DASH, fixed, milliseconds, short } from "./format.js";

const SYNC_MS = 3; // as in load.steps
const SIDES = ["left", "right"];
const QUANTITIES = { force_peak: ["peak force", "BW"], impact_peak: ["impact", "g"], impact_band: ["impact 12–20 Hz", "g"] };

export function detail(p) {
  redraw("detail", [p.feet, times(p.gait)], () => rows(p).map(([name, unit, cells]) =>
    make("tr", {}, make("th", { scope: "row" }, name, unit ? make("span", { class: "unit" }, ` ${unit}`) : null),
      ...cells.map((c) => make("td", {}, ...[c].flat().map((line) => make("span", { class: "line" }, line)))))));
  text("detail-n", notes(p).join(" "));
}

function times(g) {
  return g && SIDES.flatMap((s) => [g[`step_time_${s}_s`], g[`flight_time_${s}_s`]]);
}

function rows(p) {
  const feet = SIDES.map((s) => p.feet[s]);
  const loads = feet.map((f) => f.load);
  const all = [
    row("Step time", "ms", SIDES.map((s) => p.gait?.[`step_time_${s}_s`]), milliseconds),
    row("Flight time", "ms", SIDES.map((s) => p.gait?.[`flight_time_${s}_s`]), milliseconds),
    row("Landing", null, feet.map((f) => f.strikes), landing),
    row("Strike angle", "°", feet.map((f) => f.strike_angle_deg), whole),
    row("Peak force, estimated", "BW", feet.map((f) => f.force_peak_bw), (v) => fixed(v, 2)),
    row("Running strides so far", null, loads.map((l) => l?.strides), (v) => v.toLocaleString("en")),
    row("Impulse so far, estimated", "BW·s", loads.map((l) => l?.impulse_sum_bw_s), (v) => fixed(v, 0)),
    row("Weighted cycles so far", null, loads.map((l) => l?.weighted_cycles), (v) => v.toLocaleString("en", { maximumFractionDigits: 0 })),
    ...bins(loads),
  ];
  return all.filter(Boolean);
}

function row(name, unit, values, say) {
  const known = (v) => v !== null && v !== undefined;
  return values.some(known) ? [name, unit, values.map((v) => (known(v) ? say(v) : DASH))] : null;
}

function landing(shares) {
  const clear = Object.entries(shares).filter(([, share]) => share > 0);
  const unclear = 1 - clear.reduce((sum, [, share]) => sum + share, 0);
  const lines = [...clear.sort((a, b) => b[1] - a[1]), ...(unclear > 0.005 ? [["unclear", unclear]] : [])];
  return lines.map(([name, share]) => `${name} ${(100 * share).toFixed(0)}\u00a0%`);
}

function whole(v) {
  return `${v < -0.5 ? "−" : ""}${Math.abs(v).toFixed(0)}`;
}

// Strides by intensity, as the plan cuts it.
function bins(loads) {
  const one = loads.find((l) => l?.edges.length);
  if (!one) return [];
  const [name, unit] = QUANTITIES[one.intensity] ?? [one.intensity, ""];
  const edges = one.edges.map((e) => short(e, 2));
  const between = [`below ${edges[0]}`, ...edges.slice(1).map((e, at) => `${edges[at]} to ${e}`), `from ${edges.at(-1)}`];
  const counts = (at) => loads.map((l) => l?.bins[at]);
  const found = between.map((words, at) => row(`Strides of ${name} ${words}`, unit, counts(at), (v) => v.toLocaleString("en")));
  return [...found, row(`Strides of unknown ${name}`, null, loads.map((l) => l?.unbinned || null), (v) => v.toLocaleString("en"))];
}

function notes(p) {
  const said = [];
  const sync = p.gait?.sync_quality_ms ?? null;
  if (p.gait && sync === null) said.push("No step times: the two pods' clocks are not known to agree.");
  else if (sync !== null) said.push(`The two pods' clocks agree within ${short(sync)} ms${sync > SYNC_MS ? `; step times need ${SYNC_MS} ms` : ""}.`);
  const n = Math.max(...SIDES.map((s) => p.feet[s].n));
  if (n) said.push(`Landing and force: the last ${count(n, "running stride")} of each foot.`);
  const load = SIDES.map((s) => p.feet[s].load).find(Boolean);
  if (load?.weighted_cycles !== null && load?.exponent) said.push(`Weighted by (force / usual force) to the power of ${short(load.exponent)}: ${load.exponent_source}.`);
  else if (load?.exponent && load.why) said.push(`No weighted cycles: ${load.why}.`);
  return said;
}
