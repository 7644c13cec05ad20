// Questions as a form, by their kind: 0 to 10, yes or no, words of a scale, a number, a line of text. What was not
// answered is not sent: an empty answer is none, and never 0.

import { make } from "./dom.js";

let forms = 0;

// `fields`: [{name, text, kind, scale, low, high, unit, value, needed}]; `send(values)` gives what to say when it was kept.
export function form(fields, { button = "Send", send, cancel = null }) {
  const id = `f${(forms += 1)}`;
  const error = make("p", { class: "error", role: "alert", hidden: "" });
  const said = make("p", { class: "said-so", role: "status" });
  const submit = make("button", { type: "submit", class: "wide" }, button);
  const node = make("form", { class: "entry", novalidate: "" }, ...fields.map((f) => field(f, `${id}-${f.name}`)), error,
    make("div", { class: "buttons" }, submit, make("button", { type: "reset", class: "wide quiet" }, cancel ?? "Clear")), said);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    said.textContent = "";
    submit.disabled = true;
    try {
      const words = await send(read(node, fields, id));
      node.reset();
      said.textContent = words ?? "Kept.";
    } catch (problem) {
      error.textContent = problem.message;
      error.hidden = false;
    } finally {
      submit.disabled = false;
    }
  });
  return node;
}

export function question(name, asked, value) {
  return { name, ...asked, value };
}

function field(f, id) {
  if (f.kind === "yes_no") return choices(f, id, [["yes", "Yes"], ["no", "No"]]);
  if (f.kind === "word") return choices(f, id, f.scale.map((word) => (Array.isArray(word) ? word : [word, word])));
  if (f.kind === "number" && f.low === 0 && f.high === 10) return choices(f, id, Array.from({ length: 11 }, (_, n) => [String(n), String(n)]), "score");
  if (f.kind === "select") return make("div", { class: "field" }, make("label", { for: id }, f.text), make("select", { id, name: id }, ...["", ...f.scale].map((word) => make("option", { value: word }, word || "–"))));
  const input = make("input", { id, name: id, autocomplete: "off", maxlength: "200",
    ...(f.kind === "number" ? { inputmode: "decimal" } : {}), ...(f.kind === "date" ? { type: "datetime-local" } : {}),
    ...(f.placeholder ? { placeholder: f.placeholder } : {}) });
  if (f.value !== undefined && f.value !== null) input.setAttribute("value", f.value);
  return make("div", { class: "field" }, make("label", { for: id }, f.text, f.unit ? make("span", { class: "unit" }, ` ${f.unit}`) : null), input);
}

function choices(f, id, options, look = "") {
  const given = f.value === true ? "yes" : f.value === false ? "no" : f.value === undefined || f.value === null ? null : String(f.value);
  return make("fieldset", { class: `field choices ${look}`, "data-field": f.name }, make("legend", {}, f.text),
    make("div", {}, ...options.map(([value, words]) => {
      const input = make("input", { type: "radio", name: id, value, id: `${id}-${value}`, ...(given === value ? { checked: "" } : {}) });
      return make("label", { for: `${id}-${value}` }, input, make("span", {}, words));
    })));
}

// Only what was answered, each of its type.
function read(node, fields, id) {
  const data = new FormData(node);
  const found = {};
  for (const f of fields) {
    const text = String(data.get(`${id}-${f.name}`) ?? "").trim();
    if (text === "") continue;
    found[f.name] = f.kind === "yes_no" ? text === "yes" : f.kind === "number" ? number(text, f) : text;
  }
  return found;
}

function number(text, f) {
  const value = Number(text.replace(",", "."));
  if (!Number.isFinite(value)) throw new Error(`${f.text}: found “${text}”, expected a number`);
  return value;
}
