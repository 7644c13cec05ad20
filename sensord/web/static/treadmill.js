// Telling the treadmill's speed: said in the words of its display, refused in place.

import { $, show, text } from "./dom.js";
import { post } from "./ask.js";
import { minutes, together } from "./format.js";

export function treadmill(p) {
  const known = p.known_speed;
  text("known-speed", known ? together(`${inKilometres(known.text)}, since ${minutes(known.t_s)}`) : "not told");
}

function inKilometres(words) {
  return words.replace(/^speed ([0-9.]+) m\/s/, (_, mps) => `${(Number(mps) * 3.6).toFixed(1)} km/h`);
}

async function tell(said) {
  show("speed-error", false);
  text("speed-said", "");
  try {
    const { speed_mps } = await post("/api/run/speed", { who: "page", ...said });
    const pace = speed_mps === null ? null : `${(speed_mps * 3.6).toFixed(1)} km/h from now on.`;
    text("speed-said", pace ?? "The speed is no longer known.");
    $("speed-told").value = "";
    $("slope-told").value = "";
  } catch (error) {
    text("speed-error", error.message.replace(/^.*?: found /, "Found "));
    show("speed-error", true);
  }
}

export function setUp() {
  $("speed-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const slope = $("slope-told").value.trim().replace(",", ".");
    tell({ speed: $("speed-told").value.trim().replace(",", "."), ...(slope ? { grade_pct: slope } : {}) });
  });
  $("speed-off").addEventListener("click", () => tell({ speed: "off" }));
}
