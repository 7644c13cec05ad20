// What the page of the plan shows and nobody can change: checks, stages, decisions, readiness, load, the clinic's notes.

import { label, picture } from "./blocks.js";
import { icon, make } from "./dom.js";
import { DASH, together } from "./format.js";
import { testForm } from "./plan_forms.js";

const STATES = { within: "within", over: "over", undecided: "undecided", not_checked: "not checked" };
const SHAPES = { within: "calm", over: "warn", undecided: "wait", not_checked: "none" };

export function checks(items) {
  return items.map((c) => make("li", { "data-status": c.status }, icon(SHAPES[c.status]), make("span", { class: "name" }, ruleName(c.rule)),
    make("span", { class: "word" }, STATES[c.status] ?? c.status), make("span", { class: "detail" }, together(c.text))));
}

const RULES = {
  "schedule.min_gap": "Rest between runs", "schedule.max_sessions_7d": "Runs in 7 days", "schedule.max_consecutive_days": "Days in a row",
  "schedule.max_stage_steps_7d": "Stages in 7 days", "limit.week_growth": "Growth of the week", "limit.session_spike": "Against the longest run",
  "stage.weekly": "Distance of the week",
};

function ruleName(rule) {
  return RULES[rule] ?? rule.replaceAll("_", " ").replaceAll(".", " ");
}

export function ladder(p) {
  const longest = Math.max(1, ...p.ladder.map((row) => row.blocks.reduce((sum, [, s]) => sum + s, 0)));
  return p.ladder.map((row) => {
    const bar = make("div", { class: "blocks", role: "img", "aria-label": label(row.blocks) }, ...picture(row.blocks));
    bar.style.width = `${(100 * row.blocks.reduce((sum, [, s]) => sum + s, 0)) / longest}%`;
    return make("li", { "data-here": String(row.today), "data-past": String(row.past), ...(row.today ? { "aria-current": "step" } : {}) },
      make("span", { class: "stage" }, row.stage), make("span", { class: "todo" }, row.words, row.total ? make("span", { class: "n" }, ` ${row.total}`) : null,
        row.today ? make("strong", { class: "here" }, " she is here") : null),
      row.blocks.length ? bar : null);
  });
}

const OUTCOMES = {
  enter: "Begins", advance: "Next stage", propose: "Proposed", repeat: "Repeat", lower: "Lower", hold: "Hold", release: "Released", wait: "Waiting for answers",
};

export function decisions(p) {
  if (!p.decisions.length) return [make("li", { class: "n" }, "Nothing was decided yet.")];
  return p.decisions.toReversed().map((d) => {
    const to = d.to_stage && d.to_stage !== d.stage ? ` ${d.stage ? `stage ${d.stage} → ` : "stage "}${d.to_stage}` : "";
    const rules = d.rules.map((id) => [id, p.rules[id]?.source].filter(Boolean).join(", ")).join("; ");
    return make("li", { "data-level": d.level ?? "none" }, make("span", { class: "when" }, d.when),
      make("p", {}, d.level === "urgent" || d.level === "stop" ? icon("stop") : null, make("strong", {}, `${OUTCOMES[d.outcome] ?? d.outcome}${to}`), `: ${together(d.why)}`),
      make("p", { class: "n" }, [d.about, rules ? `rule ${rules}` : null, d.rest_until ? `rest until ${d.rest_until}` : null, d.by === "sensord" ? null : `by ${d.by}`].filter(Boolean).join(" · ")));
  });
}

const READY = { passed: "calm", failed: "warn", unanswered: "none", "due again": "wait" };

export function readiness(p, reading) {
  return p.readiness.map((item) => make("li", { "data-state": item.state },
    icon(READY[item.state] ?? "none"), make("span", { class: "name" }, item.clinician ? make("span", { class: "tag" }, "Clinician’s tick") : null, together(item.words)),
    make("span", { class: "word" }, item.state === "unanswered" ? "not answered" : item.state),
    make("div", { class: "detail" }, ...item.found.map((words) => make("p", { class: "n" }, words)),
      item.entry === null ? make("p", { class: "n" }, "Worked out from what is on file.") : null,
      reading || item.entry === null ? null : make("details", { class: "more" }, make("summary", {}, item.clinician ? "For a clinician: tick" : "Enter a result"), testForm(item)))));
}

// A reason that is the same for all of them is said once, above.
export function figures(p) {
  if (commonWhy(p)) return [];
  return p.figures.flatMap((f) => [make("dt", {}, f.name), make("dd", {}, f.value === null ? DASH : together(f.value), f.value === null ? make("span", { class: "n" }, ` not checked: ${f.why}`) : null)]);
}

export function commonWhy(p) {
  const [first, ...rest] = p.figures;
  return first?.why && rest.every((f) => f.why === first.why) ? first.why : null;
}

export function weeks(p) {
  return p.weeks.map((w) => make("tr", {}, make("th", { scope: "row" }, `${w.from} – ${w.to}`), make("td", {}, w.runs), make("td", {}, w.minutes === null ? DASH : String(w.minutes)),
    make("td", {}, w.exercises), make("td", {}, w.answers)));
}

export function clinic(p) {
  const e = p.evaluation;
  const found = [];
  const list = (title, items) => items.length && found.push(make("h3", {}, title), make("ul", { class: "plain-list" }, ...items.map((i) => make("li", {}, ...[i].flat()))));
  if (p.goal) list("Goal", [p.goal]);
  if (e) {
    list(`History, ${e.when}`, e.history);
    list("Goals", e.goals);
    list("Tests", e.tests.map((t) => `${t.what}${t.side ? `, ${t.side}` : ""}: ${t.value} (${t.when})`));
    list("Limb symmetry: injured side of the other", e.lsi.map((l) => `${l.what}: ${l.pct ?? "cannot be told"} (${l.when})`));
    list("Gait analyses", e.gait.map((g) => [`${g.when}${g.text ? `: ${g.text}` : ""}`, g.run ? ` · run ${g.run}` : "",
      g.video ? make("a", { href: g.video, rel: "noreferrer noopener", target: "_blank" }, " video at the clinic") : ""]));
  }
  list("Notes", p.notes.map((n) => [make("span", { class: "n" }, `${n.when} · ${n.what} · ${n.who} `), n.text]));
  list("Revisions of the plan", p.revisions.toReversed().map((r) => `${r.number}: ${r.when}, ${r.who}: ${r.reason}`));
  return found;
}
