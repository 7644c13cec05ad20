// One picture onto the page. Left is always left; what is not measured is a dash; what is old is marked as old.

import { $, drawn, icon, make, redraw, set, show, text } from "./dom.js";
import { agoText, count, DASH, fixed, kilometres, lengthIn, milliseconds, minutes, short, together, whole } from "./format.js";

const STATES = {
  idle: "Idle", ready: "Ready", running: "Running", paused: "Paused", ended: "Ended",
};
const SINKS = { influx: "InfluxDB", mqtt: "MQTT" };
const LOW_CONFIDENCE = 0.5; // design choice: below it the page says that the signal is weak

export function view(p) {
  document.body.dataset.state = p.run.state;
  text("runner", p.run.runner ?? "");
  text("state", p.run.state === "running" && p.gait?.activity === "walk" ? "Walking" : STATES[p.run.state]);
  text("now", together(p.now.text));
  set($("now-card"), "data-tone", p.now.tone);
  set($("now-icon"), "href", { stop: "#i-stop", ease: "#i-warn", go: "#i-go", calm: "#i-calm" }[p.now.tone]);
  feet(p);
  totals(p);
  asymmetry(p);
  redraw("limits", p.limits, limits);
  podCard("left", p.pods.left);
  podCard("right", p.pods.right);
  redraw("sinks", p.sinks, sinks);
  const news = p.notes.filter((n) => n.code !== "aligned"); // what is as it should be is no news
  redraw("notes", news, notes);
  show("notes-card", news.length > 0);
  show("summary-card", p.run.state === "ended" && p.summary !== null);
  redraw("summary", p.summary, summary);
}

function feet(p) {
  const g = p.gait;
  const n = g ? g.left.n + g.right.n : 0;
  text("cadence", whole(g?.cadence_spm));
  text("cadence-n", g ? `n ${n} strides, last ${short(g.window_s)} s` : "");
  for (const side of ["left", "right"]) {
    const foot = g?.[side];
    text(`${side}-contact`, milliseconds(foot?.contact_time_s));
    text(`${side}-contact-n`, foot ? weak(foot, `n ${foot.contact_n}`) : "");
    const clipped = foot && foot.impact_peak_g !== null && foot.impact_clipped_share > 0;
    const impact = foot?.impact_peak_g ?? null;
    const value = fixed(impact, impact >= 99.5 ? 0 : 1);
    redraw(`${side}-impact`, [clipped, value], () => [clipped ? make("span", { class: "least" }, "≥ ") : null, value].filter(Boolean));
    const cut = clipped ? ` · ${(100 * foot.impact_clipped_share).toFixed(0)} % clipped` : "";
    text(`${side}-impact-n`, foot ? `n ${foot.n}${cut}` : "");
    const pod = p.pods[side];
    text(`${side}-pod`, !pod ? "not seen yet" : pod.link === "up" ? "" : "no link");
    set($(`${side}-pod`).parentElement, "data-link", pod?.link ?? "none");
  }
}

function weak(foot, words) {
  return foot.confidence !== null && foot.confidence < LOW_CONFIDENCE ? `${words} · weak signal` : words;
}

function totals(p) {
  const d = p.distance;
  text("distance-name", d.running_only ? "Running distance" : "Distance");
  const length = lengthIn(d.end ?? d.value ?? 1000);
  text("distance", length.exact(d.value));
  text("distance-unit", length.unit);
  text("distance-left", together(remains(d, (v) => `${length.exact(v)} ${length.unit}`, (v) => `${length.short(v)} ${length.unit}`)));
  const steps = d.n === null ? "" : `n ${count(d.n, "step")}`;
  text("distance-n", d.value === null ? "" : `${steps}${d.calibrated ? "" : " · uncalibrated"}`);
  bar("distance-bar", d, length.short, length.unit);
  const r = p.run_time;
  text("run-time", minutes(r.value));
  text("run-time-left", remains(r, (v) => `${minutes(v)} min`, (v) => `${minutes(v)} min`));
  text("run-time-n", r.walk_s === null ? "" : `+ ${minutes(r.walk_s)} walking`);
  bar("run-time-bar", r, minutes, "min");
}

function remains(total, say, sayLimit) {
  if (total.left === null) return total.end === null ? "no limit set" : `limit ${sayLimit(total.end)}`;
  if (total.left <= 0) return `nothing left of ${sayLimit(total.end)}`;
  return `${say(total.left)} left of ${sayLimit(total.end)}`;
}

function bar(id, total, say, unit) {
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

function asymmetry(p) {
  const a = p.asymmetry.contact_time;
  const limit = p.limits.items.find((l) => l.rule === "asymmetry.contact_time");
  change(limit);
  show("si-scale", Boolean(a));
  if (!a) {
    for (const id of ["si-side", "si-n"]) text(id, "");
    text("si", DASH);
    return;
  }
  text("si", Math.abs(a.si_pct).toFixed(1));
  const even = Math.abs(a.si_pct) < 0.05;
  text("si-side", even ? "even" : a.si_pct > 0 ? "left longer" : "right longer");
  const interval = a.si_low_pct === null ? "interval not known yet" : `95 % interval ${signed(a.si_low_pct)} to ${signed(a.si_high_pct)} %`;
  text("si-n", together(`SI ${signed(a.si_pct)} % · ${interval} · balance ${fixed(a.balance_pct, 1)} % left · n ${count(a.n, "pair")}`));
  redraw("si-scale", a, () => scale(a));
  set($("si-scale"), "aria-label", `Symmetry index ${signed(a.si_pct)} percent`);
}

// What is limited is the change from her own baseline, either way: not the difference itself.
function change(limit) {
  show("change", Boolean(limit));
  if (!limit) return;
  const value = limit.value === null ? DASH : `${short(limit.value)} ${limit.unit}`;
  text("change-text", together(`Change from your usual: ${value}${limit.reason ? ` (${limit.reason})` : ""}`));
  bar("change-bar", { ...limit, end: limit.stop ?? limit.warn }, short, limit.unit);
}

function signed(v) {
  return `${v > 0 ? "+" : v < 0 ? "−" : ""}${Math.abs(v).toFixed(1)}`;
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

function limits({ checked, total, items }) {
  text("limits-count", total ? `${checked} of ${count(total, "limit")} checked` : "No limits set");
  return items.map((l) => {
    const level = l.status === "over" ? (l.level === "stop" ? "stop" : "warn") : null;
    const shape = level ?? { within: "ok", undecided: "wait", not_checked: "none" }[l.status];
    const word = { within: "within", over: level === "stop" ? "over: stop" : "over: warning", undecided: "undecided", not_checked: "not checked" }[l.status];
    const value = l.value === null ? null : ofLimit(l.value, l.stop ?? l.warn, l.unit);
    const counted = l.n_needed !== null && l.status === "undecided" ? `${l.n} of ${l.n_needed}` : null;
    const why = l.reason ?? counted;
    return make("li", { "data-status": l.status, "data-level": level ?? "none" }, icon(shape),
      make("span", { class: "name" }, l.title), make("span", { class: "word" }, word),
      make("span", { class: "detail" }, [value, why].filter(Boolean).join(" · ")));
  });
}

// Totals are kept in SI and read in m, km and minutes.
function ofLimit(value, limit, unit) {
  if (unit === "s") return `${minutes(value)} of ${minutes(limit)} min`;
  if (unit !== "m") return `${short(value)} of ${short(limit)} ${unit}`;
  const length = lengthIn(limit ?? value);
  return `${length.short(value)} of ${length.short(limit)} ${length.unit}`;
}

function podCard(side, pod) {
  redraw(`pod-${side}`, pod, () => {
    const name = side === "left" ? "Left" : "Right";
    if (!pod) return [make("strong", {}, name), make("span", { class: "n" }, "not seen yet")];
    const up = pod.link === "up";
    const link = up ? "linked" : `no link${pod.reason ? `: ${pod.reason}` : ""}`;
    const battery = pod.battery_pct === null ? `battery ${DASH}` : `battery ${pod.battery_pct} %`;
    const lost = pod.lost_pct === null ? `lost ${DASH}` : `lost ${pod.lost_pct < 0.05 && pod.samples_lost ? "< 0.1" : fixed(pod.lost_pct, 1)} %`;
    return [
      make("strong", {}, name), make("span", { class: "link", "data-link": pod.link }, icon(up ? "link" : "lost"), link),
      make("span", { class: "n", "data-low": String(pod.battery_pct !== null && pod.battery_pct < 20) }, battery),
      make("span", { class: "n" }, `${lost} of samples`),
    ];
  });
}

function sinks(items) {
  return items.map((s) => {
    const ok = s.health === "ok";
    const waiting = s.behind ? `${count(s.behind, "event")}${s.behind_more ? " or more" : ""} to send` : null;
    const state = ok ? (waiting ? null : "up to date") : `away${s.detail ? `: ${s.detail}` : ""}`;
    const refused = s.quarantined ? `${s.quarantined} refused` : null;
    return make("li", { "data-health": s.health }, icon(ok ? "ok" : "warn"), make("span", { class: "name" }, SINKS[s.name] ?? s.name),
      make("span", { class: "detail" }, [state, waiting, refused].filter(Boolean).join(" · ")));
  });
}

function notes(items) {
  return items.toReversed().map((n) =>
    make("li", {}, make("span", { class: "n" }, `${minutes(n.t_s)} `), n.foot ? make("strong", {}, n.foot === "left" ? "Left: " : "Right: ") : null, n.text));
}

export function summary(s) {
  if (!s) return [];
  const rows = [
    ["Distance", `${kilometres(s.distance_m)} km${s.distance_calibrated ? "" : ", uncalibrated"}`],
    ["Running", `${minutes(s.run_time_s)} min, walking ${minutes(s.walk_time_s)} min`],
    ["Cadence", `${whole(s.cadence_spm)} spm`],
    ["Contact time", `left ${milliseconds(s.contact_time_left_s)} ms, right ${milliseconds(s.contact_time_right_s)} ms`],
    ["Difference", s.contact_time_si_pct === null ? DASH : `SI ${signed(s.contact_time_si_pct)} %, n ${count(s.contact_time_pairs, "pair")}`],
    ["Impact", impactWords(s)],
    ["Strides", `left ${s.strides_left}, right ${s.strides_right}${s.gap_strides ? `, ${s.gap_strides} with gaps` : ""}`],
    ["Alerts", String(s.alerts)],
    ["Limits", `${s.limits_checked} of ${s.limits_total} checked`],
  ];
  return rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
}

function impactWords(s) {
  const clipped = s.impact_clipped_share > 0 ? "≥ " : "";
  const foot = (v, n) => (v === null ? DASH : `${clipped}${fixed(v, 1)} g (n ${n})`);
  return `left ${foot(s.impact_left_g, s.impact_n_left)}, right ${foot(s.impact_right_g, s.impact_n_right)}`;
}

// Called twice a second: how old the numbers are now.
export function freshness(p, sinceMs, linkUp) {
  const age = p.data.age_s === null ? null : p.data.age_s + sinceMs / 1000;
  const on = ["running", "paused"].includes(p.run.state);
  const stale = on && (!linkUp || (age !== null && age > p.data.stale_after_s));
  set(document.body, "data-fresh", age === null ? "none" : stale ? "stale" : "fresh");
  show("age", stale && age !== null);
  if (stale && age !== null) text("age", p.run.state === "paused" ? `Before the pause, ${agoText(age)} ago` : `Not current: ${agoText(age)} old`);
}
