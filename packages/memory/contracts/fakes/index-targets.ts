import {
  collectionName,
  indexTopic,
  type EmbedderProbe,
  type IndexTarget,
  type IndexTargets,
  type TargetProgress,
} from "@engram/memory";
import { waitsOutDoubt, type FakeTruth, type TargetRow } from "./truth.ts";

/** The targets over the fake truth, commit by commit as in `packages/postgres`; the index targets contract holds both. */
export function createFakeIndexTargets(truth: FakeTruth, options: { readonly base: string }): IndexTargets {
  const followed = (): readonly TargetRow[] =>
    [...truth.targets.values()]
      .filter(({ state }) => state !== "retired")
      .toSorted((a, b) => Number(b.state === "live") - Number(a.state === "live") || (a.name < b.name ? -1 : 1));
  const save = (row: TargetRow): IndexTarget => {
    truth.targets.set(row.name, row);
    return toTarget(row);
  };
  /** Whoever asks compares with a clock of his own, so a time is told by what is left until then. */
  function toTarget({ cursor: _c, retireAt, ...row }: TargetRow): IndexTarget {
    return { ...row, retireAt: retireAt === null ? null : new Date(Date.now() + retireAt - truth.clock.now) };
  }
  const workOf = (name: string) => truth.work.filter(({ topic }) => topic === indexTopic(name));

  function adopt(probe: EmbedderProbe): IndexTarget {
    const known =
      followed().find((one) => one.model === probe.model && one.dims === probe.dims) ??
      followed().find((one) => one.model === null);
    if (known !== undefined) return save({ ...known, ...probe, retireAt: null });
    const name = collectionName(options.base, probe.model, probe.dims);
    for (const row of workOf(name)) truth.deleteWork(row);
    return save({ name, state: "filling", ...probe, filledAt: null, cursor: null, retireAt: null });
  }

  function backfill(name: string, limit: number): "more" | "filled" {
    const target = truth.targets.get(name);
    if (target?.state !== "filling" || target.filledAt !== null) return "filled";
    const chunk = [...truth.memories.values()]
      .filter(({ id }) => target.cursor === null || id > target.cursor)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
    truth.addWork(
      indexTopic(name),
      chunk.map(({ id }) => id),
    );
    const filledAt = chunk.length < limit ? new Date(truth.clock.now) : null;
    save({ ...target, cursor: chunk.at(-1)?.id ?? target.cursor, filledAt });
    return chunk.length < limit ? "filled" : "more";
  }

  function progress(name: string): TargetProgress {
    const now = truth.clock.now;
    const rows = [...truth.memories.values()].filter(
      ({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now,
    );
    const work = workOf(name);
    return {
      rows: rows.length,
      pending: work.filter((one) => one.parkedAt === null && !waitsOutDoubt(one)).length,
      parked: work.filter((one) => one.parkedAt !== null).length,
      work: work.length,
    };
  }

  function promote(name: string, keepSeconds: number): boolean {
    const target = truth.targets.get(name);
    if (target?.state !== "filling") return false;
    for (const live of followed().filter(({ state }) => state === "live"))
      save({
        ...live,
        state: "filling",
        filledAt: new Date(truth.clock.now),
        retireAt: truth.clock.now + keepSeconds * 1000,
      });
    save({ ...target, state: "live", retireAt: null });
    return true;
  }

  function retire(name: string): boolean {
    const target = truth.targets.get(name);
    if (target?.state !== "filling") return false;
    save({ ...target, state: "retired", retireAt: null });
    for (const row of workOf(name)) truth.deleteWork(row);
    return true;
  }

  return {
    async live() {
      const [target] = followed();
      if (target?.state !== "live") throw new Error("there is no live target");
      return toTarget(target);
    },
    followed: async () => followed().map(toTarget),
    list: async () => [...truth.targets.values()].map(toTarget),
    adopt: async (probe) => adopt(probe),
    backfill: async (name, limit) => backfill(name, limit),
    progress: async (name) => progress(name),
    promote: async (name, { keepSeconds }) => promote(name, keepSeconds),
    async giveUp(name) {
      const target = truth.targets.get(name);
      if (target?.state === "filling") save({ ...target, retireAt: truth.clock.now });
    },
    retire: async (name) => retire(name),
  };
}
