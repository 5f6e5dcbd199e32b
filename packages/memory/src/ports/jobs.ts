import type { Claimed } from "./outbox.ts";

/** A work row that was parked: tried in vain, and waiting for somebody to look at it. */
export interface ParkedWork {
  readonly topic: string;
  readonly key: string;
  readonly error: string | null;
  readonly attempts: number;
  readonly requestId: string | null;
  readonly createdAt: Date;
  readonly parkedAt: Date;
}

export interface WorkId {
  readonly topic: string;
  readonly key: string;
}

/** What an operator does about parked work. Deletions of other projects' memories are nobody's, so all is shown. */
export interface ParkedJobs {
  /** In the order of the keys, which is about that of the memories' creation, after `after`; discarded work is left out. */
  list(options: { readonly limit: number; readonly after?: WorkId }): Promise<readonly ParkedWork[]>;
  /**
   * Makes parked work due again, discarded work too when it is named; all that is parked when no ids are given. Talk that was
   * set aside is read again.
   */
  retry(ids?: readonly WorkId[]): Promise<number>;
  /** Takes parked work out of list and count; its memory stays `failed` until it changes. */
  discard(ids?: readonly WorkId[]): Promise<number>;
}

/** Where a scheduled job stands. `state` and `result` are the job's own JSON. */
export interface Schedule {
  readonly name: string;
  /** Null between runs. */
  readonly state: unknown;
  /** The end of the last run, and what came of it. */
  readonly finishedAt: Date | null;
  readonly result: unknown;
}

/** Jobs that run by the clock; their work rows stand in the outbox, so only the holder of a lease can save. */
export interface Schedules {
  /** Makes a job known, due in so many seconds at the latest. Again: nothing, or sooner where the period is shorter now. */
  ensure(name: string, firstInSeconds: number): Promise<void>;
  /**
   * Makes a run due in so many seconds (0 when not given), from `state` where one is given; a run that is under way goes
   * on, or starts anew from it. What is due sooner stays so.
   */
  request(name: string, state?: unknown, options?: { readonly inSeconds?: number }): Promise<void>;
  get(name: string): Promise<Schedule | undefined>;
  getByKey(key: string): Promise<Schedule | undefined>;
  /** Keeps what a step gave and says when the next one is due. False: the lease is another's by now, nothing was kept. */
  save(
    token: string,
    claimed: Claimed,
    step: { readonly nextInSeconds: number } & (
      { readonly done: false; readonly state: unknown } | { readonly done: true; readonly result: unknown }
    ),
  ): Promise<boolean>;
}
