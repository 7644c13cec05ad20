// One picture onto the page. Left is always left; what is not measured is a dash; what is old is marked as old.

import { asymmetry, medians, signed } from "./asymmetry.js";
import { bar } from "./bar.js";
import { detail } from "./detail.js";
import { $, icon, make, redraw, set, show, text } from "./dom.js";
import {
  agoText, count, DASH, fixed, kilometres, kilometresPerHour, lengthIn, milliseconds, minutes, pace, short, together, whole,
} from "./format.js";
import { treadmill } from "./treadmill.js";

const STATES = {
  idle: "Idle", ready: "Ready", running: "Running", paused: "Paused", ended: "Ended",
};
const SINKS = { influx: "InfluxDB", mqtt: "MQTT", "influx.facts": "InfluxDB, plan", "mqtt.facts": "MQTT, plan" };
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
  treadmill(p);
  asymmetry(p);
  detail(p);
  redraw("limits", p.limits, limits);
  podCard("left", p.pods.left);
  podCard("right", p.pods.right);
  const said = p.sensors.map((s) => [s.pod, s.link, s.reason, s.battery_pct, p.gait?.heart_rate_bpm ?? null, p.gait?.power_w ?? null]);
  redraw("sensors", said, () => sensors(p.sensors, p.gait));
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
  text("speed", kilometresPerHour(g?.speed_mps));
  text("speed-n", together(speedWords(g)));
  flight(g?.flight_time_s ?? null);
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

const SOURCES = { trajectory: "by\u00a0foot\u00a0path", model: "by\u00a0contact\u00a0time", sensor: "as\u00a0the\u00a0sensor\u00a0says" };

// Once a known speed has fitted it to her, there is no need to name where it comes from.
function speedWords(g) {
  if (!g || g.speed_mps === null) return g ? "not measured" : "";
  const sure = g.speed_sd_mps === null ? null : `± ${kilometresPerHour(g.speed_sd_mps)}`;
  const [source, fitted] = (g.speed_source ?? "").split("+");
  return [sure, pace(g.speed_mps), fitted ? null : SOURCES[source]].filter(Boolean).join(" · ");
}

function flight(seconds) {
  show("flight", seconds !== null);
  if (seconds === null) return;
  const size = Math.abs(seconds * 1000).toFixed(0);
  text("flight", together(seconds < 0 ? `No flight: both feet down together for ${size} ms` : `Flight ${size} ms, mean of both feet`));
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
  text("distance-sd", d.value === null || d.distance_sd_m === null ? "" : `± ${length.exact(d.distance_sd_m)}`);
  text("distance-n", d.value === null ? "" : together([...parts(d, length), d.n === null ? null : `n ${count(d.n, "step")}`].filter(Boolean).join(" · ")));
  bar("distance-bar", d, length.short, length.unit);
  const r = p.run_time;
  text("run-time", minutes(r.value));
  text("run-time-left", remains(r, (v) => `${minutes(v)} min`, (v) => `${minutes(v)} min`));
  text("run-time-n", r.walk_s === null ? "" : `+ ${minutes(r.walk_s)} walking`);
  bar("run-time-bar", r, minutes, "min");
}

// How much of a distance was not seen, or not measured: both are said as soon as they can be read.
function parts(d, length) {
  const seen = (m) => m !== null && m !== undefined && Number(length.exact(m)) > 0;
  return [
    seen(d.estimated_m) ? `${length.exact(d.estimated_m)} ${length.unit} estimated` : null,
    seen(d.configured_m) ? `${length.exact(d.configured_m)} ${length.unit} by set step lengths` : null,
  ].filter(Boolean);
}

function remains(total, say, sayLimit) {
  if (total.left === null) return total.end === null ? "no limit set" : `limit ${sayLimit(total.end)}`;
  if (total.left <= 0) return `nothing left of ${sayLimit(total.end)}`;
  return `${say(total.left)} left of ${sayLimit(total.end)}`;
}

// A limit that only informs is passed quietly: no warning sign for it.
const OVER = {
  info: { shape: "calm", word: "over: noted" },
  warn: { shape: "warn", word: "over: warning" },
  stop: { shape: "stop", word: "over: stop" },
  urgent: { shape: "stop", word: "over: stop" },
};

function limits({ checked, total, items }) {
  text("limits-count", total ? `${checked} of ${count(total, "limit")} checked` : "No limits set");
  return items.map((l) => {
    const level = l.status === "over" ? (OVER[l.level] ?? OVER.warn) : null;
    const shape = level?.shape ?? { within: "ok", undecided: "wait", not_checked: "none" }[l.status];
    const word = { within: "within", over: level?.word, undecided: "undecided", not_checked: "not checked" }[l.status];
    const value = l.value === null ? null : ofLimit(l.value, l.stop ?? l.warn, l.unit);
    const counted = l.n_needed !== null && l.status === "undecided" ? `${l.n} of ${l.n_needed}` : null;
    const why = l.reason ?? counted;
    return make("li", { "data-status": l.status, "data-level": level?.shape ?? "none" }, icon(shape),
      make("span", { class: "name" }, l.title), make("span", { class: "word" }, word),
      make("span", { class: "detail" }, [value, why].filter(Boolean).join(" · ")));
  });
}

// Totals are kept in SI and read in m, km and minutes.
function ofLimit(value, limit, unit) {
  if (limit === null) return unit === "s" ? `${minutes(value)} min` : unit === "m" ? metres(value) : `${short(value)} ${unit}`;
  if (unit === "s") return `${minutes(value)} of ${minutes(limit)} min`;
  if (unit !== "m") return `${short(value)} of ${short(limit)} ${unit}`;
  const length = lengthIn(limit ?? value);
  return `${length.short(value)} of ${length.short(limit)} ${length.unit}`;
}

function metres(value) {
  const length = lengthIn(value);
  return `${length.short(value)} ${length.unit}`;
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

function sensors(items, gait) {
  const lines = items.map((s) => {
    const up = s.link === "up";
    const battery = s.battery_pct === null ? null : `battery ${s.battery_pct} %`;
    const state = [up ? "linked" : `no link${s.reason ? `: ${s.reason}` : ""}`, battery].filter(Boolean).join(" · ");
    return make("li", { "data-health": up ? "ok" : "away" }, icon(up ? "link" : "lost"), make("span", { class: "name" }, "Sensor"), make("span", { class: "n" }, state));
  });
  const told = (value) => value !== null && value !== undefined;
  const heart = told(gait?.heart_rate_bpm) ? `Heart rate ${whole(gait.heart_rate_bpm)}` : null;
  const power = told(gait?.power_w) ? `${whole(gait.power_w)} W, as the sensor says` : null;
  text("sensor-values", [heart, power].filter(Boolean).join(" · "));
  return lines;
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
    ["Distance", distanceWords(s)],
    ["Running", `${minutes(s.run_time_s)} min, walking ${minutes(s.walk_time_s)} min`],
    ["Cadence", `${whole(s.cadence_spm)} spm`],
    ...(pace(s.speed_mps) ? [["Speed", `${kilometresPerHour(s.speed_mps)} km/h, ${pace(s.speed_mps)}`]] : []),
    ["Contact time", `left ${milliseconds(s.contact_time_left_s)} ms, right ${milliseconds(s.contact_time_right_s)} ms`],
    ["Difference", s.contact_time_si_pct === null ? DASH : `SI ${signed(s.contact_time_si_pct)} %, n ${count(s.contact_time_pairs, "pair")}`],
    ["Impact", impactWords(s)],
    ...medians(s.metrics),
    ["Strides", `left ${s.strides_left}, right ${s.strides_right}${s.gap_strides ? `, ${s.gap_strides} with gaps` : ""}`],
    ["Alerts", String(s.alerts)],
    ["Limits", `${s.limits_checked} of ${s.limits_total} checked`],
  ];
  return rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
}

function distanceWords(s) {
  const length = lengthIn(s.distance_m);
  const sure = s.distance_sd_m === null || s.distance_sd_m === undefined ? "" : ` ± ${length.exact(s.distance_sd_m)}`;
  return [`${length.exact(s.distance_m)} ${length.unit}${sure}`, ...parts(s, length)].join(", ");
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
