// The workout while she follows it, to be read on the move; between runs the answer of today. Times count down here
// between what sensord tells: every ten seconds, and on every change.

import { blocks } from "./blocks.js";
import { $, make, redraw, set, show, text } from "./dom.js";
import { DASH, minutes, short, together } from "./format.js";

const NAMES = { run: "Run", walk: "Walk", rest: "Rest" };
const QUALITIES = { done: "", short: "short", over: "longer", merged: "walk left out", skipped: "run through", cut: "cut", extra: "not planned", missed: "missed" };

export function progress(p) {
  const w = p.workout;
  const on = ["running", "paused"].includes(p.run.state);
  show("progress", Boolean(w?.now) && (on || p.run.state === "ended"));
  planCard(p, on);
  if (!w?.now) return;
  const now = w.now;
  set($("progress"), "data-kind", now.kind);
  text("progress-where", name(now.kind, now.repetition, now.of));
  text("progress-left", together(leftWords(now, leftS(p))));
  text("progress-then", together(now.kind === "done" ? resultWords(w) : thenWords(now)));
  if (p.run.state === "ended" && w.result) over(w.result);
  const place = now.kind === "done" ? w.blocks.length : now.position;
  const planned = w.blocks[now.position]?.[1] ?? null;
  const left = leftS(p);
  blocks("progress-bar", w.blocks, { at: place, share: share(now, left, planned), label: `${Math.round(now.done_pct)} percent of the workout` });
  text("progress-n", [`${short(now.done_pct, 0)} % done`, now.estimated ? "part of this was not seen by the pods" : null,
    now.doing === "unseen" ? "no pod is linked: time goes on as planned" : now.doing !== now.kind && now.kind !== "done" ? doingWords(now) : null,
    ...now.mods].filter(Boolean).join(" · "));
  redraw("progress-done", w.done, () => w.done.toReversed().map(row));
  show("progress-more", w.done.length > 0);
}

function name(kind, repetition, of) {
  if (kind === "done") return "Workout done";
  const count = kind === "run" && repetition !== null && of !== 1 ? ` ${repetition}${of === null ? "" : ` of ${of}`}` : "";
  return `${NAMES[kind]}${count}`;
}

// Time goes on while she does what is planned, and while nobody sees what she does.
function leftS(p) {
  const now = p.workout.now;
  if (now.left_s === null) return null;
  const going = p.run.state === "running" && (now.doing === "unseen" || now.doing === now.kind || now.kind === "rest");
  return now.left_s - (now.over_s ?? 0) - (going ? Math.max(0, p.t_s - p.workout.t_s) : 0); // below zero: over
}

function leftWords(now, seconds) {
  if (now.kind === "done") return "";
  if (seconds !== null && seconds <= -1) return `${minutes(-seconds)} over`;
  if (now.over_m >= 1) return `${metres(now.over_m)} over`;
  const parts = [];
  if (seconds !== null) parts.push(minutes(Math.ceil(Math.max(0, seconds))));
  if (now.left_m !== null) parts.push(`${metres(now.left_m)}${now.left_sd_m >= 1 ? ` ± ${now.left_sd_m.toFixed(0)} m` : ""}`);
  return parts.length ? `${parts.join(" or ")} left` : "as long as you like";
}

function metres(m) {
  return m >= 1000 ? `${(m / 1000).toFixed(2)} km` : `${m.toFixed(0)} m`;
}

function thenWords(now) {
  if (now.next_kind === null) return "then done";
  const asked = [now.next_s === null ? null : minutes(now.next_s), now.next_m === null ? null : metres(now.next_m)].filter(Boolean).join(" or ");
  return `then ${now.next_kind} ${asked}${now.may_end ? " – you may end" : ""}`;
}

function doingWords(now) {
  return now.doing === "run" ? "you are running" : now.kind === "run" ? "not running yet" : "you are walking";
}

function share(now, left, planned) {
  if (now.kind === "done") return 1;
  if (left !== null && planned) return 1 - Math.max(0, left) / planned;
  return 0;
}

function row(d) {
  const amount = (s, m) => [s === null ? null : `${minutes(s)} min`, m === null ? null : metres(m)].filter(Boolean).join(" or ");
  const planned = d.position === null ? DASH : amount(d.planned_s, d.planned_m) || DASH;
  const done = d.planned_m !== null && d.planned_s === null ? `${metres(d.done_m)}${d.done_sd_m >= 1 ? ` ± ${d.done_sd_m.toFixed(0)} m` : ""}` : `${minutes(d.done_s)} min`;
  const said = QUALITIES[d.quality] ?? d.quality;
  return make("tr", {}, make("th", { scope: "row" }, name(d.kind, d.repetition, null)), make("td", {}, together(planned)),
    make("td", {}, together(done), said ? make("span", { class: "n" }, said) : null));
}

// The whole, when the run has ended: what was planned and what was done.
function over(r) {
  text("progress-where", r.completed ? "Workout done" : "Workout not finished");
  text("progress-left", `${short(r.done_pct, 0)} %`);
  const amount = r.run_planned_s ? `running ${minutes(r.run_done_s)} of ${minutes(r.run_planned_s)} min` : r.run_planned_m ? `running ${metres(r.run_done_m)} of ${metres(r.run_planned_m)}` : null;
  const runs = r.reps_most === 1 ? null : `${r.reps_done} of ${r.reps_fewest === r.reps_most || r.reps_most === null ? r.reps_fewest : `${r.reps_fewest} to ${r.reps_most}`} runs`;
  text("progress-then", together([runs, amount].filter(Boolean).join(", ")));
}

function resultWords(w) {
  const r = w.result;
  if (!r) return "";
  const reps = r.reps_most === null ? `${r.reps_done} runs` : `${r.reps_done} of ${r.reps_most} runs`;
  return r.reps_most === 1 ? "" : reps;
}

function planCard(p, on) {
  const plan = p.plan;
  show("plan-card", Boolean(plan));
  if (!plan) return;
  show("plan-may", !on);
  show("plan-why", !on);
  show("pain-now", p.run.state !== "idle");
  set($("plan-card"), "data-may", String(plan.may_run));
  text("plan-may", `May I run today? ${plan.answer[0].toUpperCase()}${plan.answer.slice(1)}.`);
  const next = plan.may_run !== true && plan.next_run ? ` Next run: ${plan.next_run}.` : "";
  text("plan-why", together(`${plan.why[0] ?? ""}.${next}`.replace(/^\./, "").trim()));
  text("plan-workout", plan.workout && plan.may_run !== false ? together(plan.workout) : "");
  show("plan-workout", !on && Boolean(plan.workout) && plan.may_run !== false);
  text("plan-link", plan.due ? `Plan and check-in: ${plan.due} asked` : "Plan and check-in");
}
