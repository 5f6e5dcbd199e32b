import type { Redis } from "ioredis";
import { examine, type Examination } from "./examine.ts";
import {
  NO_CONNECTION,
  problemOfError,
  RESTARTED,
  WIPED,
  type RedisProblem,
  type RedisProblemCode,
} from "./problems.ts";

export interface RedisWatchOptions {
  /** Between two looks: a Redis can become full or evicting at any time. */
  readonly everyMs: number;
  /** A restart and a wipe are moments; they are shown for so long. */
  readonly recentMs: number;
  readonly onBegin: (problem: RedisProblem) => void;
  readonly onOver: (problem: RedisProblem, seconds: number) => void;
}

/** After an event of the connection; a reconnection that takes no longer is not worth a word. */
const SOON_MS = 250;

const CONNECTION_CODES: ReadonlySet<RedisProblemCode> = new Set([
  "redis_unreachable",
  "redis_password",
  "redis_hanging",
]);

/** Looks at Redis now and then, and whenever its connection has something to say: tells each state once, and its end. */
export class RedisWatch {
  readonly #redis: Redis;
  readonly #options: RedisWatchOptions;
  readonly #current = new Map<RedisProblemCode, { problem: RedisProblem; since: number }>();
  readonly #moments = new Map<RedisProblemCode, { problem: RedisProblem; at: number }>();
  readonly #interval: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #isLooking = false;
  #closed = false;
  /** Why the connection is not there, as far as it is known. */
  #fault: RedisProblem | undefined;
  #known: Examination = { problems: [] };
  #reconnectedAt = -Infinity;

  constructor(redis: Redis, options: RedisWatchOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#interval = setInterval(() => this.#look(), options.everyMs);
    this.#interval.unref();
    redis.on("error", (error) => {
      const problem = problemOfError(error);
      this.#blame(problem !== undefined && CONNECTION_CODES.has(problem.code) ? problem : NO_CONNECTION);
      this.lookSoon();
    });
    redis.on("close", () => this.lookSoon());
    redis.on("ready", () => this.lookSoon());
  }

  /** False while the last look got no answer. */
  get answers(): boolean {
    return ![...this.#current.keys()].some((code) => CONNECTION_CODES.has(code));
  }

  /** For whoever has met an error: many at once are one look. */
  lookSoon(): void {
    if (this.#closed || this.#soon !== undefined) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.#look();
    }, SOON_MS);
    this.#soon.unref();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#interval);
    clearTimeout(this.#soon);
  }

  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#lookOnce().finally(() => {
      this.#isLooking = false;
    });
  }

  async #lookOnce(): Promise<void> {
    if (this.#redis.status !== "ready") {
      // Without a fault yet it is connecting for the first time.
      if (this.#fault !== undefined || this.#known.runId !== undefined) this.#tell(this.#fault ?? NO_CONNECTION);
      return;
    }
    const found = await examine(this.#redis);
    if (this.#closed) return;
    this.#blame(found.problems.find(({ code }) => CONNECTION_CODES.has(code)));
    if (this.#fault === undefined) this.#compare(found);
    this.#tell(...(this.#fault === undefined ? found.problems : [this.#fault]));
    // What hangs may be this connection alone, and a replica may have a primary behind the same name by now.
    if (this.#fault !== undefined || this.#current.has("redis_read_only")) this.#reconnect();
  }

  /** Remembers what is wrong with the connection, or that nothing is; one that does not say why leaves a reason standing. */
  #blame(problem: RedisProblem | undefined): void {
    if (problem === NO_CONNECTION) this.#fault ??= problem;
    else this.#fault = problem;
  }

  #compare(found: Examination): void {
    const { runId, mark } = this.#known;
    if (runId !== undefined && found.runId !== undefined && found.runId !== runId) this.#addMoment(RESTARTED);
    if (mark !== undefined && found.mark !== undefined && found.mark !== mark) this.#addMoment(WIPED);
    this.#known = { ...this.#known, ...found };
  }

  #addMoment(problem: RedisProblem): void {
    this.#moments.set(problem.code, { problem, at: performance.now() });
  }

  /** At most once in an interval, since each makes the connection speak again. */
  #reconnect(): void {
    if (performance.now() - this.#reconnectedAt < this.#options.everyMs) return;
    this.#reconnectedAt = performance.now();
    this.#redis.disconnect(true);
  }

  /** Tells what has begun and what is over. While there is no answer, nothing is known to be over. */
  #tell(...found: readonly RedisProblem[]): void {
    if (this.#closed) return;
    const now = performance.now();
    const silent = found.some(({ code }) => CONNECTION_CODES.has(code));
    for (const [code, { at }] of this.#moments) if (now - at >= this.#options.recentMs) this.#moments.delete(code);
    const holding = [...found, ...[...this.#moments.values()].map(({ problem }) => problem)];
    const codes = new Set(holding.map(({ code }) => code));
    for (const [code, { problem, since }] of this.#current) {
      if (codes.has(code) || (silent && !CONNECTION_CODES.has(code))) continue;
      this.#current.delete(code);
      this.#options.onOver(problem, (now - since) / 1000);
    }
    for (const problem of holding) {
      if (this.#current.has(problem.code)) continue;
      this.#current.set(problem.code, { problem, since: now });
      this.#options.onBegin(problem);
    }
  }
}
