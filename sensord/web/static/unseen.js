// Urgent alerts that nobody has acknowledged: they stay until somebody has, with what is known of who was told. And the
// decision that ends a run: at once, and loud.

import { $, icon, make, redraw, show, text } from "./dom.js";
import { post } from "./ask.js";
import { together } from "./format.js";

const STATES = {
  held: "kept back for now", waiting: "waiting to be sent", sent: "sent", delivered: "delivered", refused: "refused", acknowledged: "acknowledged",
};

let naming = null;

export function unseen(rows, { forms = true } = {}) {
  show("unseen", rows.length > 0);
  redraw("unseen", [rows, forms], () => rows.map((one) => row(one, forms)));
}

function row(one, forms) {
  const told = one.told.length
    ? one.told.map((t) => `${t.who}: ${STATES[t.state] ?? t.state}`).join(" · ")
    : "Nobody was told: no person is set up for urgent alerts.";
  return make("article", { "data-alert": one.alert },
    make("h2", {}, icon("stop"), "Urgent: ", one.words),
    make("p", {}, make("strong", {}, `${one.cue}. `), together(one.text), one.when ? make("span", { class: "when" }, ` (${one.when})`) : null),
    make("p", { class: "told" }, told),
    forms ? make("button", { type: "button", class: "small", onclick: () => name(one) }, "Somebody has seen this") : null);
}

function name(one) {
  naming = one;
  text("seen-text", one.text);
  show("seen-error", false);
  $("seen").showModal();
  $("seen-who").focus();
}

export function ends(news) {
  show("ends", Boolean(news));
  redraw("ends", news, () => (news ? [
    make("h2", {}, icon("stop"), news.level === "urgent" ? "Urgent: stop running" : "Stop running"),
    make("p", {}, together(news.why), make("span", { class: "when" }, ` (${[news.when, ...news.rules.map((r) => `rule ${r}`)].join(", ")})`)),
  ] : []));
}

export function setUp(done = () => {}) {
  $("seen-no").addEventListener("click", () => $("seen").close());
  $("seen-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    show("seen-error", false);
    try {
      await post("/api/ack", { alert: naming.alert, who: $("seen-who").value.trim() });
      $("seen").close();
      $("seen-who").value = "";
      done();
    } catch (error) {
      text("seen-error", error.message);
      show("seen-error", true);
    }
  });
}
