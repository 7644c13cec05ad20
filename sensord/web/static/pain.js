// "Pain now": one tap from the live page, one post, and what the plan decides on it is shown at once.

import { $ } from "./dom.js";
import { checkIn } from "./facts.js";
import { form, question } from "./fields.js";

async function open() {
  $("pain").showModal();
  try {
    const answer = await fetch("/api/plan", { cache: "no-store" });
    const { plan } = await answer.json();
    const fields = plan.telling.run.filter((n) => plan.questions[n]).map((n) => question(n, plan.questions[n]));
    $("pain-form").replaceChildren(form(fields, {
      button: "Tell",
      send: async (answers) => {
        await checkIn("during", plan.on, answers); // by name: without a trusted clock nothing else says which run it is
        $("pain").close();
      },
    }));
    $("pain-form").querySelector("input")?.focus();
  } catch {
    $("pain-form").textContent = "No connection to sensord. Try again.";
  }
}

export function setUp() {
  $("pain-now").addEventListener("click", open);
  $("pain-close").addEventListener("click", () => $("pain").close());
}
