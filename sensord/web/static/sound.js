// Tone and speech. Browsers allow sound only after a tap; the page says whether it is on. Every alert is said once, by
// id and phase, whatever happens to the connection or the page in between.

const SAID = "sensord.said";
const KEEP = 200;
const FRESH_S = 10; // a recovery older than this is not news any more

// Frequencies in Hz and lengths in s: told apart by rhythm as well as pitch.
const TONES = {
  urgent: [[520, 0.5], [0, 0.08], [660, 0.5], [0, 0.08], [520, 0.5], [0, 0.08], [660, 0.5]],
  stop: [[520, 0.28], [0, 0.08], [520, 0.28], [0, 0.08], [520, 0.5]],
  warn: [[780, 0.16], [0, 0.1], [780, 0.16]],
  info: [[660, 0.12]],
  recovery: [[660, 0.12], [880, 0.18]],
  run: [[523, 0.12], [0, 0.05], [659, 0.12], [0, 0.05], [784, 0.3]], // rising: run
  walk: [[784, 0.2], [0, 0.05], [523, 0.35]], // falling: walk
  workout: [[659, 0.15], [0, 0.05], [659, 0.15]],
  ends: [[520, 0.5], [0, 0.08], [520, 0.5], [0, 0.08], [520, 0.7]],
  test: [[660, 0.12], [780, 0.12]],
};

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(SAID)) ?? [];
  } catch {
    return [];
  }
}

export class Sound {
  constructor(onChange) {
    this.context = null;
    this.on = false;
    this.said = new Set(remembered());
    this.onChange = onChange;
  }

  get state() {
    if (!this.on) return "off";
    if (this.context?.state !== "running") return "interrupted";
    return this.canSpeak() ? "on" : "tones";
  }

  canSpeak() {
    return "speechSynthesis" in window;
  }

  // From a tap only.
  async turnOn() {
    this.context ??= this.made();
    this.on = true;
    this.speak("Sound is on"); // before any await: some browsers take the tap for spent after it
    await this.context.resume();
    this.tone("test");
    this.onChange();
  }

  made() {
    const context = new AudioContext();
    context.addEventListener("statechange", () => this.onChange());
    return context;
  }

  turnOff() {
    this.on = false;
    if (this.canSpeak()) speechSynthesis.cancel();
    this.onChange();
  }

  test() {
    this.tone("test");
    this.speak("Sound is on");
  }

  // Says what is new in a picture. Silent while sound is off: an alert still active is then said after the tap.
  hear(picture) {
    if (this.state === "off" || this.state === "interrupted") return;
    this.workout(picture);
    const news = picture.plan?.ends;
    if (news && this.once({ id: `ends ${news.when} ${news.rules}` }, "onset")) this.announce("ends", "Stop running", news.why);
    const { active, recovered } = picture.alerts;
    for (const alert of active) {
      const news = alert.reminders ? `onset ${alert.reminders}` : "onset";
      if (alert.covered || alert.reminders) this.once(alert, "onset");
      if (!alert.covered && this.once(alert, news)) this.announce(alert.level, alert.cue, alert.text);
    }
    for (const alert of recovered) {
      const known = this.said.has(`${alert.id} onset`);
      if (!known || alert.phase !== "recovery") continue;
      const fresh = picture.t_s - alert.end_s <= FRESH_S;
      if (this.once(alert, "recovery") && fresh) this.announce("recovery", alert.cue, alert.text);
    }
  }

  // A cue of the workout is news for some seconds only; said once.
  workout({ run, workout, t_s: now }) {
    const cue = workout?.cue;
    if (!cue || run.state === "ended" || now - cue.t_s > FRESH_S || !this.once({ id: `${run.id} ${cue.t_s}` }, "cue")) return;
    const kind = /run|hard|easy/i.test(cue.text) ? "run" : /walk|rest/i.test(cue.text) ? "walk" : "workout";
    this.tone(kind);
    this.speak(cue.text);
  }

  once(alert, phase) {
    const key = `${alert.id} ${phase}`;
    if (this.said.has(key)) return false;
    this.said.add(key);
    const newest = [...this.said].slice(-KEEP);
    this.said = new Set(newest);
    try {
      sessionStorage.setItem(SAID, JSON.stringify(newest));
    } catch {
      // no storage in this browser: said once per page load
    }
    return true;
  }

  announce(level, ...sentences) {
    if (level === "info") return; // quiet: it is read, not heard
    if (["stop", "urgent", "ends"].includes(level) && this.canSpeak()) speechSynthesis.cancel();
    this.tone(level);
    for (const sentence of sentences) if (sentence) this.speak(sentence);
  }

  tone(name) {
    const context = this.context;
    let at = context.currentTime + 0.02;
    for (const [hz, seconds] of TONES[name] ?? TONES.warn) {
      if (hz) {
        const source = context.createOscillator();
        const volume = context.createGain();
        source.frequency.value = hz;
        source.type = "triangle";
        volume.gain.setValueAtTime(0.0001, at);
        volume.gain.exponentialRampToValueAtTime(0.8, at + 0.015);
        volume.gain.setValueAtTime(0.8, at + seconds - 0.03);
        volume.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
        source.connect(volume).connect(context.destination);
        source.start(at);
        source.stop(at + seconds);
      }
      at += seconds;
    }
  }

  speak(sentence) {
    if (!this.canSpeak()) return;
    const words = new SpeechSynthesisUtterance(sentence);
    words.lang = "en";
    speechSynthesis.speak(words);
  }
}
