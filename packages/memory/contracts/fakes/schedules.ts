import { createHash } from "node:crypto";
import { SCHEDULE_TOPIC, type Schedule, type Schedules } from "@engram/memory";
import type { FakeTruth, ScheduleRow, WorkRow } from "./truth.ts";

/** Jobs that run by the clock over the fake truth, statement by statement as in `packages/postgres`. */
export function createFakeSchedules(truth: FakeTruth): Schedules {
  const later = (seconds: number): number => truth.clock.now + seconds * 1000;
  const workOf = (key: string): WorkRow | undefined => truth.findWork(SCHEDULE_TOPIC, key);
  const known = (name: string): ScheduleRow =>
    truth.schedules.get(keyOf(name)) ?? { name, state: null, finishedAt: null, result: null };

  return {
    async ensure(name, firstInSeconds) {
      const key = keyOf(name);
      truth.schedules.set(key, known(name));
      const work = workOf(key);
      if (work === undefined) truth.addWork(SCHEDULE_TOPIC, [key], later(firstInSeconds));
      else if (work.lease === null) truth.saveWork({ ...work, dueAt: Math.min(work.dueAt, later(firstInSeconds)) });
    },
    async request(name, state, { inSeconds = 0 } = {}) {
      const key = keyOf(name);
      const standing = known(name);
      truth.schedules.set(key, { ...standing, state: state === undefined ? standing.state : copy(state) });
      const work = workOf(key);
      if (work === undefined) truth.addWork(SCHEDULE_TOPIC, [key], later(inSeconds));
      else
        truth.saveWork({
          ...work,
          generation: work.generation + 1,
          attempts: 0,
          error: null,
          dueAt: work.lease === null ? Math.min(work.dueAt, later(inSeconds)) : work.dueAt,
        });
    },
    get: async (name) => toSchedule(truth.schedules.get(keyOf(name))),
    getByKey: async (key) => toSchedule(truth.schedules.get(key)),
    async save(token, { key, generation }, step) {
      const work = workOf(key);
      const schedule = truth.schedules.get(key);
      if (work === undefined || schedule === undefined || work.lease !== token) return false;
      const isUndisturbed = work.generation === generation;
      const free = { lease: null, attempts: 0, error: null, doubtUntil: null };
      truth.saveWork({ ...work, ...free, dueAt: later(isUndisturbed ? step.nextInSeconds : 0) });
      const state = isUndisturbed ? (step.done ? null : copy(step.state)) : schedule.state;
      const ended = step.done ? { finishedAt: truth.clock.now, result: copy(step.result) } : {};
      truth.schedules.set(key, { ...schedule, state, ...ended });
      return true;
    },
  };
}

/** The key of a job's work row, made from its name. */
function keyOf(name: string): string {
  return createHash("md5").update(`schedule:${name}`).digest("hex");
}

/** As a column of JSON keeps it. */
function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

function toSchedule(row: ScheduleRow | undefined): Schedule | undefined {
  return row === undefined
    ? undefined
    : { ...row, finishedAt: row.finishedAt === null ? null : new Date(row.finishedAt) };
}
