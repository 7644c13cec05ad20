// The alert banner: full width, level in words, what happened and what remains. It stays until the limit is kept again
// or until it is hidden; a recovery shows for a while.

import { $, icon, make, redraw, set, show, text } from "./dom.js";
import { together } from "./format.js";

const HIDDEN = "sensord.hidden";
const RECOVERY_S = 10; // design choice: long enough to be read at the next glance
const STORED_S = 15; // design choice: no disk is slower for long
const LEVELS = { urgent: "Urgent", stop: "Stop", warn: "Warning", info: "Note" };
const loud = (level) => level === "stop" || level === "urgent";

export class Banner {
  constructor() {
    this.hidden = new Set(read());
    this.spoken = "";
    $("banner-hide").addEventListener("click", () => this.hide());
  }

  draw(p) {
    this.picture = p;
    const open = p.alerts.active.filter((a) => !a.covered);
    const visible = open.filter((a) => waits(a, p) || !this.hidden.has(a.id));
    const back = p.alerts.recovered
      .filter((a) => p.run.state !== "ended" && a.phase === "recovery" && p.t_s - a.end_s <= RECOVERY_S && !this.hidden.has(`${a.id} back`))
      .at(-1);
    if (visible.length) this.alert(visible);
    else if (back) this.recovery(back);
    show("banner", Boolean(visible.length || back));
    const ended = p.plan?.ends && p.run.state !== "ended" && p.run.state !== "idle";
    show("now-card", !ended && (!visible.length || visible[0].level === "info")); // one voice: what ends the run speaks
    this.shown = visible.length ? visible.map((a) => a.id) : back ? [`${back.id} back`] : [];
    if (!this.shown.length) this.aloud("");
  }

  alert([first, ...more]) {
    const level = LEVELS[first.level] ?? first.level;
    const stop = loud(first.level);
    const info = first.level === "info";
    set($("banner"), "data-level", stop ? "stop" : info ? "info" : "warn");
    set($("banner-icon"), "href", stop ? "#i-stop" : info ? "#i-calm" : "#i-warn");
    show("banner-hide", !waits(first, this.picture));
    text("banner-level", level);
    text("banner-title", first.cue);
    text("banner-text", together(first.text));
    redraw("banner-more", more, () => more.map((a) =>
      make("li", {}, icon(loud(a.level) ? "stop" : "warn"), make("strong", {}, `${LEVELS[a.level] ?? a.level}: `), together(a.text))));
    this.aloud(info ? "" : `${level}. ${first.cue}. ${first.text}`);
  }

  recovery(alert) {
    set($("banner"), "data-level", "recovery");
    show("banner-hide", true);
    set($("banner-icon"), "href", "#i-ok");
    text("banner-level", "Recovered");
    text("banner-title", alert.cue);
    text("banner-text", together(alert.text));
    redraw("banner-more", [], () => []);
    this.aloud(alert.text);
  }

  // For screen readers: once per change, not once per picture.
  aloud(words) {
    if (this.spoken !== words) text("say", (this.spoken = words));
  }

  hide() {
    for (const id of this.shown) this.hidden.add(id);
    try {
      sessionStorage.setItem(HIDDEN, JSON.stringify([...this.hidden].slice(-200)));
    } catch {
      // no storage in this browser: hidden until the page is loaded again
    }
    this.draw(this.picture);
  }
}

// Urgent: it stays until somebody has acknowledged it. Whether it waits is known once it is stored.
function waits(alert, p) {
  return alert.level === "urgent" && (p.t_s - alert.onset_s < STORED_S || (p.plan?.unseen ?? []).some((one) => one.alert === alert.id));
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(HIDDEN)) ?? [];
  } catch {
    return [];
  }
}
