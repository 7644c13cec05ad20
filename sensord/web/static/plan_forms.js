// What can be entered on the page of the plan: answers, exercises, results, decisions, distance, notes. One post a form.

import { icon, make } from "./dom.js";
import { checkIn, inNs, say } from "./facts.js";
import { form, question } from "./fields.js";

function told(words = "Kept.") {
  document.dispatchEvent(new Event("said"));
  return words;
}

// ------------------------------------------------------------------------------------------------ answers

export function askedNow(p) {
  if (!p.due.length) return [make("p", { class: "n" }, "Nothing is asked now.")];
  return p.due.map((due) => make("section", { class: "due", "data-moment": due.moment }, make("h3", {}, due.words, due.about ? make("span", { class: "n" }, ` ${due.about}`) : null),
    answers(p, due.fields, due.moment, due.run)));
}

function answers(p, names, moment, run, given = {}, button = "Send answers") {
  const fields = names.filter((n) => p.questions[n]).map((n) => question(n, p.questions[n], given[n]));
  return form(fields, { button, send: async (values) => {
    await checkIn(moment, run, values);
    return told();
  } });
}

export function day(p) {
  return [answers(p, p.telling.day, "daily", null)];
}

export function during(p) {
  return p.on ? [answers(p, p.telling.run, "during", p.on)] : [];
}

// Late answers, and other ones: the later one counts.
export function recent(p) {
  return p.recent.map((run) => {
    const asked = run.moments.flatMap((m) => m.fields);
    const open = asked.filter((n) => run.answers[n] === undefined).length;
    return make("details", { class: "more" }, make("summary", {}, `Answers about ${run.words}`, make("span", { class: "n" }, open ? `${open} missing` : "all answered")),
      ...run.moments.map((m) => make("section", { class: "due" }, make("h3", {}, m.words), answers(p, m.fields, m.moment, run.run, run.answers))));
  });
}

// ------------------------------------------------------------------------------------------------ exercises

const pain = { name: "pain", text: "Pain meanwhile, 0 to 10", kind: "number", low: 0, high: 10 };

export function exercises(p, reading) {
  if (!p.exercises.length) return [make("li", { class: "n" }, "None today.")];
  return p.exercises.map((e) => {
    const amount = [e.sets && e.reps ? `${e.sets} × ${e.reps}` : e.reps ? `${e.reps} times` : e.sets ? `${e.sets} sets` : null, e.hold_s ? `${e.hold_s} s each` : null,
      e.load, e.side === "both" ? null : e.side].filter(Boolean).join(", ");
    const done = (values = {}) => say("exercised", { what: e.id, ...values }).then(() => told());
    return make("li", { "data-done": String(e.done) }, icon(e.done ? "calm" : "none"), make("span", { class: "name" }, e.name),
      make("span", { class: "word" }, e.done ? "done" : "not logged"), make("span", { class: "detail" }, [amount, e.logged].filter(Boolean).join(" · logged: ")),
      reading ? null : make("div", { class: "detail doing" },
        e.done ? null : make("button", { type: "button", class: "small", onclick: () => done(known({ sets: e.sets, reps: e.reps })).catch(() => {}) }, "Done as asked"),
        make("details", { class: "more" }, make("summary", {}, e.done ? "Log again" : "Done otherwise, or with pain"), form([
          { name: "sets", text: "Sets", kind: "number", value: e.sets }, { name: "reps", text: "Repetitions", kind: "number", value: e.reps }, pain], { send: done }))));
  });
}

function known(values) {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== null));
}

export function crossTraining(p) {
  return [form([
    { name: "what", text: "What", kind: "word", scale: p.cross_training },
    { name: "minutes", text: "Minutes", kind: "number" },
    { name: "rpe", text: "How hard? 0 (rest) to 10 (as hard as you can)", kind: "number", low: 0, high: 10 }, pain,
  ], { send: async (values) => {
    need(values, { what: "What", minutes: "Minutes" });
    await say("exercised", values);
    return told();
  } })];
}

function need(values, names) {
  const missing = Object.entries(names).filter(([name]) => values[name] === undefined).map(([, words]) => words);
  if (missing.length) throw new Error(`Missing: ${missing.join(", ")}.`);
}

// ------------------------------------------------------------------------------------------------ distance

export function mileage() {
  return [form([
    { name: "km", text: "Distance", unit: "km", kind: "number" }, { name: "minutes", text: "It took", unit: "min", kind: "number" },
    { name: "at", text: "Begun at (empty: it has just ended)", kind: "date" },
  ], { send: async ({ km, minutes, at }) => {
    need({ km }, { km: "Distance" });
    const tookMs = (minutes ?? 0) * 60_000;
    const beginMs = at ? new Date(at).getTime() : Date.now() - tookMs;
    const name = `manual-${Date.now().toString(36)}-${Math.floor(Math.random() * 1e9).toString(36)}`;
    await say("run", { run: name, source: "manual", distance_m: km * 1000, run_distance_m: km * 1000, end_wall_ns: inNs(beginMs + tookMs) }, beginMs);
    return told();
  } })];
}

export function since() {
  return [form([{ name: "at", text: "Since", kind: "date" }, { name: "who", text: "Who says so", kind: "text" }], { send: async ({ at, who }) => {
    need({ at, who }, { at: "Since", who: "Who says so" });
    await say("history_known", { who }, new Date(at).getTime());
    return told();
  } })];
}

// ------------------------------------------------------------------------------------------------ the clinic

const name = { name: "who", text: "Name", kind: "text" };

export function testForm(item) {
  const e = item.entry;
  const fields = e.tick ? [{ name: "passed", text: "Confirmed by a clinician?", kind: "yes_no" }]
    : e.scale ? [{ name: "value", text: "Grade", kind: "word", scale: e.scale }]
      : [{ name: "value", text: "Result", unit: e.unit, kind: "number" }];
  if (e.side) fields.push({ name: "side", text: "Side", kind: "word", scale: ["left", "right"] });
  if (e.pain) fields.push(pain);
  if (e.gait) fields.push({ name: "gait", text: "Gait", kind: "word", scale: ["normal", "limping"] });
  fields.push({ ...name, text: e.tick ? "Clinician’s name" : "Who tested" });
  return form(fields, { send: async (values) => {
    need(values, { [e.tick ? "passed" : "value"]: e.tick ? "the tick" : "the result", who: "a name", ...(e.side ? { side: "the side" } : {}) });
    if (typeof values.value === "number") values.value *= e.per;
    await say("tested", { item: item.id, ...values });
    return told();
  } });
}

const VERDICTS = [["hold", "Hold"], ["release", "End the hold"], ["advance", "To the next stage"], ["set_stage", "Set a stage"], ["ready", "Ready to begin"]];

export function therapist(p) {
  const stages = [...new Set(p.ladder.map((row) => row.id))];
  return [form([
    { name: "verdict", text: "Decision", kind: "word", scale: VERDICTS },
    { name: "stage", text: "Which stage, to set one", kind: "select", scale: stages },
    { ...name, text: "Your name" }, { name: "reason", text: "Reason", kind: "text" },
  ], { button: "Decide", send: async (values) => {
    need(values, { verdict: "Decision", who: "Your name", reason: "Reason" });
    await say("approval", values);
    return told("Decided, and kept with name and reason.");
  } })];
}

export function note() {
  return [form([
    { name: "what", text: "About", kind: "word", scale: [["manual_therapy", "Manual therapy"], ["visit", "Visit"], ["strength", "Strength"], ["other", "Other"]] },
    { name: "text", text: "Note", kind: "text" }, { ...name, text: "Your name" },
  ], { send: async (values) => {
    need(values, { what: "About", text: "Note", who: "Your name" });
    await say("noted", values);
    return told();
  } })];
}
