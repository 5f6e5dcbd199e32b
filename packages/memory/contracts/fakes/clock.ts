interface Task {
  readonly at: number;
  readonly run: () => unknown;
}

/**
 * A clock that stands still until a test lets time pass. What is due by then runs in the order of its time, each at its
 * own time, so that a minute takes no time and every run of a test is the same.
 */
export class FakeClock {
  #now = Date.UTC(2026, 0, 1);
  #tasks: Task[] = [];
  readonly #onPass: (seconds: number) => Promise<void>;

  /** `onPass`: what else has to hear of time that passes, before anything that is due then runs. */
  constructor(onPass: (seconds: number) => Promise<void> = () => Promise.resolve()) {
    this.#onPass = onPass;
  }

  /** Milliseconds since 1970. */
  get now(): number {
    return this.#now;
  }

  /** Runs `task` once `seconds` have passed. */
  after(seconds: number, task: () => unknown): void {
    this.#tasks.push({ at: this.#now + seconds * 1000, run: task });
  }

  async pass(seconds: number): Promise<void> {
    const end = this.#now + seconds * 1000;
    for (;;) {
      const next = this.#tasks.filter((task) => task.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#tasks = this.#tasks.filter((task) => task !== next);
      await this.#moveTo(next.at);
      await next.run();
    }
    await this.#moveTo(end);
  }

  /** Two may let time pass at once: it never runs backwards. */
  async #moveTo(time: number): Promise<void> {
    const ms = time - this.#now;
    if (ms <= 0) return;
    this.#now = time;
    await this.#onPass(ms / 1000);
  }
}
