import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { MemoryError } from "@engram/memory";
import { createLogger, createMetrics } from "@engram/telemetry";
import { Circuits } from "./circuits.ts";

const never = new AbortController().signal;
const fault = new MemoryError("unavailable", "The model provider refuses the key: check OPENAI_API_KEY");
const fail = (): Promise<never> => Promise.reject(fault);

function create() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) };
  const metrics = createMetrics({ version: "test" });
  const circuits = new Circuits({ logger: createLogger({ level: "info", name: "test", destination }), metrics });
  const isUp = { value: false };
  const circuit = circuits.create("models", "search", {
    probe: () => (isUp.value ? Promise.resolve() : fail()),
    probeTimeoutMs: 1_000,
  });
  const values = async () => (await metrics.circuitState.get()).values;
  const open = () => Promise.allSettled([1, 2, 3].map(() => circuit.run(fail, never)));
  return { circuits, circuit, lines, values, open, isUp };
}

describe("Circuits", () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test("the state is a metric from the beginning", async () => {
    const { values, open, circuits } = create();
    expect(await values()).toEqual([{ labels: { socket: "models", use: "search" }, value: 0 }]);
    await open();
    expect(await values()).toEqual([{ labels: { socket: "models", use: "search" }, value: 2 }]);
    circuits.close();
  });

  test("one line when it opens, with the reason, and one when it closes, however often it was probed", async () => {
    jest.useFakeTimers();
    const { circuit, lines, open, isUp } = create();
    await open();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(lines).toMatchObject([{ level: "warn", msg: "Circuit opened", socket: "models", use: "search" }]);
    isUp.value = true;
    await jest.advanceTimersByTimeAsync(5_001);
    await circuit.run(() => Promise.resolve(), never);
    expect(lines.map((line) => line["msg"])).toEqual(["Circuit opened", "Circuit closed"]);
  });

  test("an open one is a problem with its cure; a closed one is none", async () => {
    const { circuits, open } = create();
    expect([circuits.problems, circuits.isWhole("models")]).toEqual([[], true]);
    await open();
    expect(circuits.problems).toEqual([
      { code: "provider_key", message: fault.message, cure: expect.stringContaining("OPENAI_API_KEY") },
    ]);
    expect([circuits.isWhole("models"), circuits.isWhole("vectors")]).toEqual([false, true]);
    circuits.close();
  });

  test("what may end by itself is told as such", async () => {
    const { circuits, circuit } = create();
    const away = new MemoryError("unavailable", "The model provider did not answer in time");
    await Promise.allSettled([1, 2, 3].map(() => circuit.run(() => Promise.reject(away), never)));
    expect(circuits.problems).toEqual([
      { code: "provider_unavailable", message: away.message, cure: expect.stringContaining("goes on by itself") },
    ]);
    circuits.close();
  });
});
