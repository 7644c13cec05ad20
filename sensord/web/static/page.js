// The page: the live stream onto the view, the alert banner, sound, and the few things that can be done.

import { $, set, show, text } from "./dom.js";
import { agoText } from "./format.js";
import { Banner } from "./banner.js";
import { Sound } from "./sound.js";
import { Stream } from "./stream.js";
import { Strips } from "./strip.js";
import { ask, post, setUp as setUpAsking } from "./ask.js";
import { freshness, view } from "./view.js";
import { listRuns } from "./runs.js";
import { setUp as setUpTreadmill } from "./treadmill.js";
import { setUp as setUpPain } from "./pain.js";
import { progress } from "./progress.js";
import { ends, setUp as setUpUnseen, unseen } from "./unseen.js";

if (location.search) history.replaceState(null, "", "/"); // a used link is not worth keeping in the address bar

let picture = null;
let pictureAt = 0;
let runShown = null;

const strips = new Strips();
const banner = new Banner();
const sound = new Sound(soundChanged);
const stream = new Stream({ picture: take, link: linkChanged });

function take(p, whole) {
  const another = picture?.run.number !== p.run.number;
  picture = p;
  pictureAt = performance.now();
  if (whole) strips.reset(p.strip);
  else if (another) strips.reset([]);
  if (p.gait) strips.add(p.gait_t_s, p.gait);
  view(p);
  progress(p);
  ends(p.plan?.ends ?? null);
  unseen(p.plan?.unseen ?? []);
  banner.draw(p);
  sound.hear(p);
  tick();
  between(p);
}

function between(p) {
  const on = p.run.state === "idle" || p.run.state === "ended";
  const key = `${p.run.number} ${p.run.state}`;
  show("runs-card", on);
  show("next", p.run.state === "ended");
  if (on && runShown !== key) listRuns().catch(() => (runShown = null));
  runShown = key;
}

function tick() {
  const up = stream?.state !== "lost" && stream?.state !== "denied";
  if (picture) freshness(picture, performance.now() - pictureAt, up);
  if (stream?.state === "lost") sayLost();
}

function linkChanged(state) {
  set(document.body, "data-link", state);
  show("lost", state === "lost" || state === "denied");
  if (state === "denied") text("lost", "Access has ended. Open the new link that sensord printed.");
  else if (state === "lost") queueMicrotask(sayLost);
}

function sayLost() {
  const old = picture ? `Numbers are ${agoText((performance.now() - pictureAt) / 1000)} old.` : "";
  text("lost", `No connection to sensord. Trying again … ${old} No alerts can come.`);
}

function soundChanged() {
  const off = sound.state === "off" || sound.state === "interrupted";
  set($("sound-bar"), "data-sound", sound.state);
  show("sound-on", off);
  for (const id of ["sound-is", "sound-test", "sound-off"]) show(id, !off);
  text("sound-text", sound.state === "interrupted" ? "Sound was interrupted – tap to hear alerts" : "Sound is off – tap to hear alerts");
  text("sound-state", sound.state === "tones" ? "Sound is on, tones only" : "Sound is on");
  if (!off && picture) sound.hear(picture);
}

let awake = null;

async function keepAwake() {
  // only where the browser offers it (this machine, or https); else the phone's own setting must do
  if (!("wakeLock" in navigator) || document.hidden || (awake && !awake.released)) return;
  awake = await navigator.wakeLock.request("screen").catch(() => null);
}

$("sound-on").addEventListener("click", () => {
  sound.turnOn();
  keepAwake();
});
$("sound-off").addEventListener("click", () => sound.turnOff());
$("sound-test").addEventListener("click", () => sound.test());
document.addEventListener("visibilitychange", () => sound.on && keepAwake());

document.addEventListener("click", (event) => {
  const key = event.target.closest?.("button.what")?.dataset.what;
  if (!key) return;
  for (const article of $("what").querySelectorAll("article")) article.hidden = article.dataset.what !== key;
  $("what").showModal();
});
$("what-close").addEventListener("click", () => $("what").close());

$("end").addEventListener("click", () =>
  ask({ title: "End this run?", text: "The run is closed and its summary is made.", yes: "End run", act: endRun }));

$("start").addEventListener("click", () =>
  ask({
    title: "Start the next run?",
    text: "Its limits count from zero.",
    yes: "Start",
    act: () => post("/api/run/start").then(() => undefined),
  }));

async function endRun() {
  await post("/api/run/end");
}

$("add-device")?.addEventListener("click", () =>
  ask({
    title: "Add a device?",
    text: "Makes a link that works once. Whoever opens it sees this page.",
    yes: "Make a link",
    act: async () => {
      const { url } = await post("/api/link");
      return `Open this address on the other device: ${url}`;
    },
  }));

setUpAsking();
setUpTreadmill();
setUpPain();
setUpUnseen();
$("others").open = matchMedia("(min-width: 44rem)").matches; // on a wide screen there is room for all of it
setInterval(tick, 500);
