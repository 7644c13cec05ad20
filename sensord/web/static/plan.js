// The page of the plan: what sensord says of it, told anew whenever it changed. With ?read there is nothing to enter.

import { blocks, label } from "./blocks.js";
import { checks, commonWhy, decisions, figures, ladder, readiness, clinic, weeks } from "./plan_view.js";
import { askedNow, crossTraining, day, during, exercises, mileage, note, recent, since, therapist } from "./plan_forms.js";
import { $, make, redraw, set, show, text } from "./dom.js";
import { together } from "./format.js";
import { Stream } from "./stream.js";
import { ends, setUp as setUpUnseen, unseen } from "./unseen.js";

const READ = new URLSearchParams(location.search).has("read");
const ANSWERS = { true: "yes", false: "no", null: "cannot be told" };

let heard = null;

async function load() {
  const answer = await fetch("/api/plan", { cache: "no-store" });
  if (!answer.ok) return;
  const { plan } = await answer.json();
  document.body.dataset.state = "here";
  show("none", plan === null);
  show("all", plan !== null);
  if (plan) draw(plan);
}

function draw(p) {
  text("runner", p.runner);
  text("plan-name", `${p.title}, revision ${p.standing.revision}`);
  ends(p.ends);
  unseen(p.unseen, { forms: !READ });
  today(p);
  show("exercises-card", p.exercises.length > 0 || p.cross_training.length > 0);
  redraw("ladder", p.ladder, () => ladder(p));
  text("ladder-n", standsWords(p));
  redraw("decisions", [p.decisions, p.rules], () => decisions(p));
  show("readiness-card", p.readiness.length > 0);
  const passed = p.readiness.filter((one) => one.state === "passed").length;
  text("readiness-n", `${passed} of ${p.readiness.length} passed${p.readiness[0]?.decided ? ` · she may begin: ${p.readiness[0].decided}` : ""}`);
  redraw("readiness", p.readiness, () => readiness(p, READ));
  redraw("figures", p.figures, () => figures(p));
  text("known-since", p.known_since ? `All runs are on file since ${p.known_since}.` : "");
  text("figures-why", commonWhy(p) ? `Sums over days are not checked: ${commonWhy(p)}.` : "");
  redraw("weeks", p.weeks, () => weeks(p));
  const shown = clinic(p);
  show("clinic-card", shown.length > 0);
  redraw("clinic", [p.evaluation, p.notes, p.revisions], () => shown);
  redraw("exercises", [p.exercises, READ], () => exercises(p, READ));
  if (READ) return redraw("due", p.due, () => dueWords(p));
  redraw("due", [p.due, p.questions], () => askedNow(p));
  redraw("day", [p.telling, p.questions], () => day(p));
  show("during-more", Boolean(p.on));
  redraw("during", [p.telling, p.on], () => during(p));
  redraw("recent", [p.recent, p.questions], () => recent(p));
  show("cross-more", p.cross_training.length > 0);
  redraw("cross", p.cross_training, () => crossTraining(p));
  redraw("mileage", true, () => mileage());
  redraw("since", true, () => since());
  redraw("therapist", p.ladder.map((row) => row.stage), () => therapist(p));
  text("decides", p.decides === "auto" ? "This plan raises stages by itself when all its conditions are met." : "Only you raise a stage. sensord may hold or lower it.");
  redraw("note", true, () => note());
}

function today(p) {
  const t = p.standing.today;
  set($("may"), "data-may", String(t.may_run));
  text("may", `May I run today? ${ANSWERS[t.may_run][0].toUpperCase()}${ANSWERS[t.may_run].slice(1)}.`);
  redraw("why", t.why, () => t.why.map((why) => make("li", {}, together(sentence(why)))));
  redraw("workout", [p.blocks, t.workout_words], () => workout(p));
  redraw("today-facts", [t, p.next_run, p.rest_until], () => facts(p).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  text("checks-count", p.checks.of ? `${p.checks.made} of ${p.checks.of} checked` : "The plan has no rules to check before a run");
  redraw("checks", t.checks, () => checks(t.checks));
}

function workout(p) {
  const t = p.standing.today;
  if (!t.workout && !t.workout_words) return [];
  const bar = make("div", { class: "blocks", role: "img", id: "today-blocks" });
  queueMicrotask(() => p.blocks.length && blocks("today-blocks", p.blocks, { label: label(p.blocks) }));
  return [make("p", { class: "workout" }, t.workout_words ?? t.workout), ...(p.blocks.length ? [bar] : []),
    ...(p.blocks.length > 1 ? [make("p", { class: "n key-of" }, make("span", { class: "block run" }), " run ", make("span", { class: "block walk" }), " walk")] : [])];
}

const LEFT = {
  runs_7d: (v) => `${v} ${v === 1 ? "run" : "runs"} in 7 days`, stage_steps_7d: (v) => `${v} stage steps in 7 days`,
  distance_m: (v) => `up to ${(v / 1000).toFixed(1)} km in one run`, distance_7d_m: (v) => `${(v / 1000).toFixed(1)} km in 7 days`,
};

function facts(p) {
  const t = p.standing.today;
  const left = Object.entries(t.left).map(([name, value]) => (LEFT[name] ? LEFT[name](value) : `${name.replaceAll("_", " ")}: ${value}`));
  return [
    ["Next run", p.next_run ?? (t.may_run === true ? "now" : "cannot be told")],
    ...(p.standing.hold ? [["On hold", p.standing.hold]] : []),
    ...(p.rest_until ? [["Rest until", p.rest_until]] : []),
    ...(p.standing.resting ? [["Rest", p.standing.resting]] : []),
    ...(left.length ? [["Left", left.join(", ")]] : []),
    ...(t.surfaces ? [["Where", t.surfaces.join(", ")]] : []),
    ...(t.not_allowed.length ? [["Not yet", t.not_allowed.join(", ")]] : []),
  ].map(([name, value]) => [name, together(value)]);
}

function standsWords(p) {
  const s = p.standing;
  if (!p.ladder.length) return "The plan has no stages.";
  if (s.stage === null) return "Not begun: readiness comes first.";
  const runs = s.successes_needed ? `, ${s.successes} of ${s.successes_needed} successful runs` : "";
  return `Stage ${s.stage} since ${p.stage_since}${runs}`;
}

function dueWords(p) {
  if (!p.due.length) return [make("p", { class: "n" }, "Nothing is asked now.")];
  return p.due.map((due) => make("p", {}, make("strong", {}, `${due.words}: `), "not answered yet: ", due.fields.map((n) => p.questions[n]?.text ?? n).join(" ")));
}

function sentence(words) {
  return words[0].toUpperCase() + words.slice(1);
}

function take(picture) {
  const key = JSON.stringify([picture.plan, picture.run.state]);
  if (heard !== null && heard !== key) load().catch(() => {});
  heard = key;
}

function linkChanged(state) {
  show("lost", state === "lost" || state === "denied");
  text("lost", state === "denied" ? "Access has ended. Open the new link that sensord printed." : "No connection to sensord. What is shown may be old.");
}

for (const part of document.querySelectorAll("[data-form]")) part.hidden = READ;
show("reading", READ);
setUpUnseen(() => load());
load().catch(() => {});
document.addEventListener("said", () => load());
new Stream({ picture: take, link: linkChanged });
