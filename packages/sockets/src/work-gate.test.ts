import { describe, expect, test } from "@jest/globals";
import { MemoryError } from "@engram/memory";
import { Circuit } from "./circuit.ts";
import { createWorkGate } from "./work-gate.ts";

const never = new AbortController().signal;
const pacing = (waitMs: number) => ({ waitMs: () => Promise.resolve(waitMs) });

async function openCircuit(): Promise<Circuit> {
  const fail = (): Promise<never> => Promise.reject(new MemoryError("unavailable", "away"));
  const circuit = new Circuit({ probe: fail, probeTimeoutMs: 1_000 });
  await Promise.allSettled([1, 2, 3].map(() => circuit.run(fail, never)));
  circuit.close();
  return circuit;
}

describe("createWorkGate", () => {
  test("what is neither guarded nor paced is always there", async () => {
    const gate = createWorkGate({ embedder: undefined, index: undefined, pace: undefined });
    expect(await gate()).toEqual({ claim: "all", waitMs: 0 });
  });

  test("while the index does not answer, nothing is claimed", async () => {
    const gate = createWorkGate({ embedder: undefined, index: await openCircuit(), pace: undefined });
    expect(await gate()).toMatchObject({ claim: "none" });
    expect(await gate()).toMatchObject({ claim: "none" });
  });

  test("while the day's money is spent, only deletes are", async () => {
    const spending = { heldBack: () => Promise.resolve({ reason: "spent", seconds: 60 }) };
    const gate = createWorkGate({ embedder: undefined, index: undefined, pace: pacing(0), spending });
    expect((await gate()).claim).toBe("absent");
    expect((await gate()).claim).toBe("none");
  });

  test("while the embedder does not, deletes are, now and then", async () => {
    const gate = createWorkGate({ embedder: await openCircuit(), index: undefined, pace: pacing(0) });
    expect((await gate()).claim).toBe("absent");
    const next = await gate();
    expect(next.claim).toBe("none");
    expect(next.waitMs).toBeGreaterThan(0);
  });

  test("a turn that comes within a second is worth a claim, a later one is not", async () => {
    const claimAt = async (waitMs: number) =>
      (await createWorkGate({ embedder: undefined, index: undefined, pace: pacing(waitMs) })()).claim;
    expect(await claimAt(900)).toBe("all");
    expect(await claimAt(600_000)).toBe("absent");
  });

  test("whoever has to wait asks again within a second, however long it is", async () => {
    const gate = createWorkGate({ embedder: undefined, index: undefined, pace: pacing(600_000) });
    expect((await gate()).waitMs).toBeLessThanOrEqual(1_000);
  });
});
