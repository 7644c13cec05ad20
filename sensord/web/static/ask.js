// Asking before something is done, and doing it. What `act` returns is shown; nothing returned closes the dialog.

import { $, show, text } from "./dom.js";

let act = null;

export function ask({ title, text: words, yes, act: then }) {
  text("ask-title", title);
  text("ask-text", words);
  text("ask-yes", yes);
  show("ask-error", false);
  show("ask-yes", true);
  $("ask-yes").disabled = false;
  act = then;
  $("ask").showModal();
  $("ask-no").focus();
}

export async function post(path, said) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", ...(said ? { body: JSON.stringify(said) } : {}) });
  } catch {
    throw new Error("No connection to sensord. Try again.");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error ?? `sensord answered ${answer.status}`);
  return body;
}

async function yes() {
  $("ask-yes").disabled = true;
  try {
    const answer = await act();
    if (!answer) return $("ask").close();
    text("ask-text", answer);
    show("ask-yes", false);
  } catch (error) {
    text("ask-error", error.message);
    show("ask-error", true);
    $("ask-yes").disabled = false;
  }
}

export function setUp() {
  $("ask-no").addEventListener("click", () => $("ask").close());
  $("ask-yes").addEventListener("click", yes);
}
