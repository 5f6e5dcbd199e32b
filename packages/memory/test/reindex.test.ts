import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  reindexStep,
  type IndexTarget,
  type ReindexDeps,
  type ReindexPhase,
  type ReindexState,
  type StepBudget,
} from "@engram/memory";
import { id, plenty, target, World } from "./reconcile-world.ts";

const hurried: StepBudget = { signal: new AbortController().signal, spent: () => true };
const ROWS = 2_500;

describe("the gate of a reindex", () => {
  let world: World;
  let filling: IndexTarget;
  let parked: number;
  let pendingOfLive: number;
  let promoted: string[];
  let deps: ReindexDeps;
  beforeEach(() => {
    world = new World();
    for (let n = 1; n <= ROWS; n++) {
      world.add(n);
      world.put(n);
    }
    filling = target({ name: "next", state: "filling", model: "n" });
    [parked, pendingOfLive, promoted] = [0, 0, []];
    const { index, rows } = world.deps;
    const never = () => Promise.reject(new Error("nothing of this is called for"));
    deps = {
      rows,
      index,
      store: { sampleMemories: async () => [] },
      embedder: { model: "n", requestedDims: null, lexical: false, embed: never },
      base: "test",
      keepSeconds: 60,
      targets: {
        live: async () => target(),
        followed: async () => [target(), filling],
        list: never,
        adopt: never,
        backfill: never,
        progress: async (name) => {
          const pending = name === "next" ? world.work.size : pendingOfLive;
          return { rows: world.rows.size, pending, parked: name === "next" ? parked : 0, work: pending };
        },
        promote: async (name) => {
          promoted.push(name);
          return true;
        },
        giveUp: never,
        retire: never,
      },
    };
  });

  const step = async (before: ReindexState | null, budget = plenty): Promise<ReindexState> =>
    JSON.parse(JSON.stringify(await reindexStep(deps, before, budget))) as ReindexState;
  /** Steps, by one page each, until it is something else than comparing; workers do nothing meanwhile. */
  const look = async (before: ReindexState | null, budget = hurried): Promise<ReindexState> => {
    for (let state = before, steps = 0; steps < 20; steps++) {
      state = await step(state, budget);
      if (state.phase.phase !== "comparing") return state;
    }
    throw new Error("the comparison does not end");
  };
  const reasonOf = ({ phase }: ReindexState): string => (phase.phase === "refused" ? phase.reason : phase.phase);

  test("what agrees with the rows, point by point, goes live", async () => {
    expect((await look(null)).phase).toEqual({
      phase: "switched",
      target: "next",
      replaced: "main",
    } satisfies ReindexPhase);
    expect(promoted).toEqual(["next"]);
  });

  test.each<[string, () => void]>([
    ["1 missing", () => world.points.delete(id(ROWS))],
    ["1 stale", () => world.put(1_200, { hash: "other" })],
    ["1 stale", () => world.put(1_200, { version: 7 })],
    ["1 orphan", () => world.put(9_999)],
    ["1 wrong tenant", () => world.put(3, { tenant: "other" })],
    // As many points as rows.
    ["1 missing, 1 orphan", () => world.points.delete(id(5)) && world.put(9_999)],
  ])("%s: it gets its work, and nothing goes live before that is done and looked at again", async (reason, plant) => {
    plant();
    const refused = await look(null);
    expect(refused.phase).toMatchObject({ phase: "refused", refusals: 1 });
    expect(reasonOf(refused)).toBe(`it differs from the memories: ${reason}`);
    expect(world.work.size).toBe(reason.split(",").length);

    const waiting = await step(refused);
    expect(waiting.phase).toMatchObject({ phase: "filling" });
    expect(promoted).toEqual([]);
    world.converge();
    expect((await look(waiting)).phase.phase).toBe("switched");
  });

  test("what a worker says it mended and did not is found again, with longer and longer pauses up to a minute", async () => {
    world.points.delete(id(7));
    const pauses: number[] = [];
    let state: ReindexState | null = null;
    for (let n = 1; n <= 10; n++) {
      state = await look(state, plenty);
      world.work.clear();
      if (state.phase.phase !== "refused") throw new Error(state.phase.phase);
      expect(state.phase.refusals).toBe(n);
      pauses.push(state.phase.nextInSeconds);
    }
    expect(promoted).toEqual([]);
    expect(pauses[0]).toBeLessThanOrEqual(1);
    expect(pauses.at(-1)).toBeGreaterThan(pauses[0] ?? 0);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60);
  });

  test("a collection that is gone is made again and filled; one of other dimensions never goes live", async () => {
    world.points.clear();
    world.dims = undefined;
    expect(reasonOf(await look(null, plenty))).toContain(`${ROWS} missing`);
    expect(world.prepared).toEqual(["test__n__4"]);
    world.dims = 8;
    world.work.clear();
    expect(reasonOf(await look(null))).toContain("1 wrong dimension");
    expect(promoted).toEqual([]);
  });

  test("parked work holds it back, also such as came while it was compared, until somebody has seen to it", async () => {
    parked = 2;
    const refused = await look(null);
    expect(reasonOf(refused)).toContain("2 of its memories are parked");
    parked = 0;
    const compared = await step(refused);
    expect(compared.phase.phase).toBe("comparing");
    parked = 1;
    expect(reasonOf(await step(compared))).toContain("1 of its memories are parked");
    expect(promoted).toEqual([]);
  });

  test("work under way is no difference: it holds it back only where the live one has less", async () => {
    world.points.delete(id(4));
    world.work.set(id(4), "waiting");
    expect((await look(null)).phase.phase).toBe("filling");
    pendingOfLive = 1;
    expect((await look(null)).phase.phase).toBe("switched");
  });

  test("work that came while it was compared is waited for, without a new comparison", async () => {
    const compared = await step(null);
    world.work.set(id(4), "waiting");
    const waiting = await step(compared);
    expect(waiting.phase.phase).toBe("filling");
    world.converge();
    expect((await step(waiting)).phase.phase).toBe("switched");
  });

  test("a target that was begun anew is compared from the beginning", async () => {
    const halfway = await step(null, hurried);
    expect(halfway.phase.phase).toBe("comparing");
    world.points.delete(id(1));
    filling = { ...filling, filledAt: new Date(1) };
    expect(reasonOf(await look(halfway))).toContain("1 missing");
  });

  test("a step that died with its process is done again, and what it touched is waited for", async () => {
    world.points.delete(id(1));
    await step(null, hurried); // its state was never kept
    expect(world.work.size).toBe(1);
    expect((await look(null)).phase.phase).toBe("filling");
    world.converge();
    expect((await look(null)).phase.phase).toBe("switched");
  });
});
