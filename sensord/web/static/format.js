// Numbers as people read them. What was not measured is a dash, never 0.

export const DASH = "–";

export function fixed(value, digits) {
  return value === null || value === undefined ? DASH : value.toFixed(digits);
}

export function whole(value) {
  return fixed(value, 0);
}

export function milliseconds(seconds) {
  return seconds === null || seconds === undefined ? DASH : (seconds * 1000).toFixed(0);
}

// Metres below 1 km, km from there on; one unit for everything that stands beside `whole`.
export function lengthIn(whole) {
  const far = whole >= 1000;
  return {
    unit: far ? "km" : "m",
    exact: (m) => (m === null ? DASH : far ? (m / 1000).toFixed(2) : m.toFixed(0)),
    short: (m) => (m === null ? DASH : far ? short(m / 1000, 2) : m.toFixed(0)),
  };
}

export function kilometres(metres, digits = 2) {
  return metres === null || metres === undefined ? DASH : (metres / 1000).toFixed(digits);
}

export function minutes(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  const s = Math.max(0, Math.floor(seconds));
  const pad = (n) => String(n).padStart(2, "0");
  const h = Math.floor(s / 3600);
  return h ? `${h}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}` : `${Math.floor(s / 60)}:${pad(s % 60)}`;
}

// m/s as km/h, and as minutes per km.
export function kilometresPerHour(mps) {
  return fixed(mps === null || mps === undefined ? null : mps * 3.6, 1);
}

export function pace(mps) {
  return mps === null || mps === undefined || mps < 0.3 ? null : `${minutes(Math.round(1000 / mps))} min/km`;
}

// At most `digits` decimals and none that are zero: "5", "4.5".
export function short(value, digits = 1) {
  return value === null || value === undefined ? DASH : String(Number(value.toFixed(digits)));
}

export function count(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

// Numbers stay with their units when a line breaks.
export function together(words) {
  return words.replace(/(\d) (km|m|min|ms|g|s|spm|%)(?![a-z])/g, "$1\u00a0$2");
}

export function agoText(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}
