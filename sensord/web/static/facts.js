// What people say about the plan, to sensord: one fact each. Times are ns since 1970 and larger than a browser's exact
// numbers: they go as digits.

import { post } from "./ask.js";

// Without a time it is of now, by the gateway's clock.
export function say(kind, values, atMs = null) {
  const payload = JSON.stringify(values).replace(/"ns:(\d+)"/g, "$1");
  return post("/api/fact", { kind, payload, ...(atMs === null ? {} : { at_wall_ns: digits(atMs) }) });
}

export function digits(ms) {
  return `${Math.round(ms)}000000`;
}

export function inNs(ms) {
  return `ns:${digits(ms)}`;
}

export async function checkIn(moment, run, answers) {
  if (!Object.keys(answers).length) throw new Error("Nothing was answered yet.");
  await say("checkin", { moment, run, answers, by: "page" });
}
