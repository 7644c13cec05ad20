// Between runs: the last runs, their summaries, and discarding one.

import { $, icon, make, show } from "./dom.js";
import { kilometres, minutes, short } from "./format.js";
import { ask, post } from "./ask.js";
import { summary } from "./view.js";

export async function listRuns() {
  const answer = await fetch("/api/runs?limit=10", { cache: "no-store" });
  if (!answer.ok) return;
  const { runs } = await answer.json();
  $("runs").replaceChildren(...runs.map(row));
  show("runs-none", runs.length === 0);
}

function row(run) {
  const s = run.summary;
  const facts = s ? `${kilometres(s.distance_m)} km · ${minutes(s.run_time_s)} min` : run.state === "ended" ? "no steps" : run.state;
  const alerts = !s ? null : s.alerts ? make("span", { class: "flag warn" }, icon("warn"), s.alerts === 1 ? "1 alert" : `${s.alerts} alerts`) : make("span", { class: "flag" }, icon("ok"), "no alerts");
  const details = make("details", { "data-run": run.run, "data-discarded": String(run.discarded) },
    make("summary", {}, make("span", { class: "when" }, when(run.started_ms)), make("span", { class: "facts" }, facts), run.discarded ? make("span", { class: "flag" }, "discarded") : alerts));
  details.addEventListener("toggle", () => details.open && details.childElementCount === 1 && fill(details, run), { once: false });
  return make("li", {}, details);
}

async function fill(details, run) {
  const body = make("div", { class: "body" });
  details.append(body);
  if (run.summary) body.append(make("dl", {}, ...summary(run.summary)));
  const answer = await fetch(`/api/runs/${encodeURIComponent(run.run)}`, { cache: "no-store" });
  if (answer.ok) {
    const { alerts } = await answer.json();
    const said = alerts.filter((a) => a.phase === "onset");
    if (said.length) body.append(make("ul", { class: "said" }, ...said.map((a) => make("li", {}, icon(["stop", "urgent"].includes(a.level) ? "stop" : "warn"), a.text))));
  }
  body.append(make("p", { class: "n" }, `run ${run.run} · runner ${run.runner}`));
  if (!run.discarded) body.append(make("button", { type: "button", class: "small", onclick: () => discard(run) }, "Discard this run"));
}

function discard(run) {
  ask({
    title: "Discard this run?",
    text: "It will not count in your history. Its recording is kept.",
    yes: "Discard run",
    act: async () => {
      await post(`/api/run/${encodeURIComponent(run.run)}/discard`);
      await listRuns();
    },
  });
}

function when(ms) {
  if (ms === null) return "date not known";
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return today ? `Today ${time}` : `${date.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}
