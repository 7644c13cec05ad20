// The few things done to the document. Text goes in as text only.

export const $ = (id) => document.getElementById(id);

export function text(id, value) {
  const node = typeof id === "string" ? $(id) : id;
  if (node.textContent !== value) node.textContent = value;
}

export function show(id, on) {
  const node = typeof id === "string" ? $(id) : id;
  if (node.hidden === on) node.hidden = !on;
}

export function set(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function drawn(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function icon(name) {
  return drawn("svg", { "aria-hidden": "true", class: `icon ${name}` }, drawn("use", { href: `#i-${name}` }));
}

// Redraw a part only when what it shows changed: keeps focus, selection and screen readers in peace.
const drawnFrom = new WeakMap();

export function redraw(id, value, build) {
  const node = $(id);
  const key = JSON.stringify(value);
  if (drawnFrom.get(node) === key) return;
  drawnFrom.set(node, key);
  node.replaceChildren(...build(value));
}
