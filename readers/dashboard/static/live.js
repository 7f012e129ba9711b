// Owns the rhythm of refreshing: every few seconds while days are open, slower when they are over or nothing answers,
// not at all while paused or hidden.

const OPEN_MS = 4_000;
const CLOSED_MS = 60_000;
const AWAY_MS = 10_000;

export class Live {
  #timer = 0;
  #running = false;

  /** refresh: () => Promise of "open" | "closed" | "away". */
  constructor(refresh) {
    this.refresh = refresh;
    this.paused = false;
    document.addEventListener("visibilitychange", () => this.#changed());
  }

  pause(paused) {
    this.paused = paused;
    this.#changed();
  }

  /** The next refresh is a whole period away: something was just asked for. */
  restart(how) {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => this.#run(), { open: OPEN_MS, closed: CLOSED_MS, away: AWAY_MS }[how]);
  }

  get #stopped() {
    return this.paused || document.hidden;
  }

  #changed() {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#run();
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    try {
      this.restart(await this.refresh());
    } finally {
      this.#running = false;
    }
  }
}
