// The live stream: the newest picture from sensord, and whether it still comes. sensord sends at least one picture a
// second, so 2 s of silence are a lost connection: said within 3 s on a busy phone too.

const SILENT_MS = 2000;
const CHECK_MS = 250;
const AGAIN_MS = 1000;
const PATIENCE_MS = 5000;

export class Stream {
  constructor({ picture, link }) {
    this.onPicture = picture;
    this.onLink = link;
    this.heardAt = performance.now();
    this.openedAt = 0;
    this.state = "waiting";
    this.source = null;
    this.open();
    setInterval(() => this.check(), CHECK_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.check());
  }

  silentMs() {
    return performance.now() - this.heardAt;
  }

  open() {
    this.source?.close();
    this.openedAt = performance.now();
    const source = (this.source = new EventSource("/api/live"));
    const hear = (whole) => (event) => {
      if (this.source !== source) return;
      this.heardAt = performance.now();
      this.turn("up");
      this.onPicture(JSON.parse(event.data), whole);
    };
    source.addEventListener("hello", hear(true));
    source.addEventListener("state", hear(false));
    source.addEventListener("error", () => this.source === source && this.failed());
  }

  async failed() {
    this.turn("lost");
    if (this.source.readyState !== EventSource.CLOSED || this.asking) return;
    this.asking = true;
    try {
      const answer = await fetch("/api/state", { cache: "no-store" });
      if (answer.status === 401) this.turn("denied");
    } catch {
      // not there: `check` tries again
    } finally {
      this.asking = false;
    }
  }

  check() {
    if (this.state === "denied") return;
    const tried = performance.now() - this.openedAt;
    if (this.silentMs() > SILENT_MS) {
      this.turn("lost");
      const over = this.source.readyState === EventSource.CLOSED;
      if ((over && tried > AGAIN_MS) || tried > PATIENCE_MS) this.open();
    }
  }

  turn(state) {
    if (this.state === state) return;
    this.state = state;
    this.onLink(state);
  }
}
