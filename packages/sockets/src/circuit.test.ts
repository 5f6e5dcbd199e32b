import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { MemoryError } from "@engram/memory";
import { Circuit, type CircuitStateName } from "./circuit.ts";

const never = new AbortController().signal;
const away = new MemoryError("unavailable", "nobody answers");

/** Longer than the first pause before a probe (1 s), shorter than two of them. */
const FIRST_PROBE_MS = 1_001;

function create() {
  const world = { isUp: true, probes: 0, calls: 0, changes: [] as CircuitStateName[] };
  const answer = (): Promise<string> => (world.isUp ? Promise.resolve("answer") : Promise.reject(away));
  const circuit = new Circuit({
    probe: () => {
      world.probes += 1;
      return answer();
    },
    probeTimeoutMs: 1_000,
    onChange: (state) => world.changes.push(state),
  });
  const call = (): Promise<string> =>
    circuit.run(() => {
      world.calls += 1;
      return answer();
    }, never);
  const fail = async (times: number): Promise<void> => {
    world.isUp = false;
    for (let i = 0; i < times; i++) await call().catch(() => undefined);
  };
  return { circuit, world, call, fail };
}

describe("Circuit", () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test("three calls in a row without an answer open it; the next fails at once with the same fault, and is not made", async () => {
    const { circuit, world, call, fail } = create();
    await fail(2);
    expect(circuit).toMatchObject({ state: "closed", admits: true, fault: undefined });
    await fail(1);
    expect(circuit).toMatchObject({ state: "open", admits: false, fault: away });
    await expect(call()).rejects.toMatchObject({
      code: "unavailable",
      message: "nobody answers",
      outcomeUnknown: false,
    });
    expect(world.calls).toBe(3);
    circuit.close();
  });

  test("an answer in between begins the count anew, also one that says no", async () => {
    const { circuit, world, call, fail } = create();
    await fail(2);
    world.isUp = true;
    await call();
    await fail(2);
    const no = circuit.run(() => Promise.reject(new MemoryError("invalid", "refused")), never);
    await expect(no).rejects.toMatchObject({ code: "invalid" });
    await fail(2);
    expect(circuit.state).toBe("closed");
  });

  test("a call that its caller cut short tells nothing; one that had its chance does", async () => {
    jest.useFakeTimers();
    const { circuit } = create();
    const cut = AbortSignal.abort();
    for (let i = 0; i < 5; i++) await circuit.run(() => Promise.reject(away), cut).catch(() => undefined);
    expect(circuit.state).toBe("closed");
    const patient = (): Promise<never> =>
      circuit.run(async () => {
        await new Promise((resolve) => setTimeout(resolve, 260));
        throw away;
      }, cut);
    const ended = Promise.allSettled([patient(), patient(), patient()]);
    await jest.advanceTimersByTimeAsync(260);
    await ended;
    expect(circuit.state).toBe("open");
    circuit.close();
  });

  test("a probe that is answered lets one caller through, and its answer all of them", async () => {
    jest.useFakeTimers();
    const { circuit, world, call, fail } = create();
    await fail(3);
    world.isUp = true;
    expect(circuit.admits).toBe(false);
    await jest.advanceTimersByTimeAsync(FIRST_PROBE_MS);
    expect(circuit).toMatchObject({ state: "half_open", admits: true });
    const [first, second] = await Promise.allSettled([call(), call()]);
    expect(first).toMatchObject({ status: "fulfilled" });
    expect(second).toMatchObject({ status: "rejected" });
    expect(circuit).toMatchObject({ state: "closed", fault: undefined });
    await expect(call()).resolves.toBe("answer");
    expect(world.changes).toEqual(["open", "half_open", "closed"]);
  });

  test("where the probe is answered and the caller is not, it opens again", async () => {
    jest.useFakeTimers();
    const { circuit, world, fail } = create();
    await fail(3);
    world.isUp = true;
    await jest.advanceTimersByTimeAsync(FIRST_PROBE_MS);
    await fail(1);
    expect(circuit).toMatchObject({ state: "open", admits: false });
    circuit.close();
  });

  test("where nobody calls, a second probe that is answered closes it, and one that is not opens it again", async () => {
    jest.useFakeTimers();
    const { circuit, world, fail } = create();
    await fail(3);
    world.isUp = true;
    await jest.advanceTimersByTimeAsync(FIRST_PROBE_MS);
    expect(circuit.state).toBe("half_open");
    world.isUp = false;
    await jest.advanceTimersByTimeAsync(2_000);
    expect(circuit.state).toBe("open");
    world.isUp = true;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(circuit).toMatchObject({ state: "closed", fault: undefined });
  });

  test("what stays away is probed every few seconds, and a day later still", async () => {
    jest.useFakeTimers();
    const { circuit, world, fail } = create();
    await fail(3);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(world.probes).toBeGreaterThanOrEqual(11);
    expect(world.probes).toBeLessThanOrEqual(30);
    await jest.advanceTimersByTimeAsync(86_400_000);
    world.isUp = true;
    await jest.advanceTimersByTimeAsync(5_001);
    expect(circuit.state).not.toBe("open");
  });

  test("closing ends the probing", async () => {
    jest.useFakeTimers();
    const { circuit, world, fail } = create();
    await fail(3);
    circuit.close();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(world.probes).toBe(0);
  });
});
