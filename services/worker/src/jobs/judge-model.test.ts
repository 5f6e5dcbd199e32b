import { describe, expect, test } from "@jest/globals";
import { MemoryError, type ExtractReport } from "@engram/memory";
import { createLogger } from "@engram/telemetry";
import { createModelJudge } from "./judge-model.ts";

const report = (given: Partial<ExtractReport>): ExtractReport => ({
  outcome: "done",
  messages: 1,
  facts: 1,
  seconds: 1,
  requestIds: [],
  isModelAtFault: false,
  ...given,
});
const unreadable = report({ outcome: "failed", error: new MemoryError("invalid", "no JSON") });
const atFault = report({
  outcome: "failed",
  error: new MemoryError("unavailable", "nothing at all"),
  isModelAtFault: true,
});

describe("a model is told as a problem", () => {
  const create = (pauseSeconds: (faults: number) => number = () => 0) => {
    const told: string[] = [];
    const readiness = { report: (code: string) => told.push(code), clear: (code: string) => told.push(`no ${code}`) };
    const logger = createLogger({ level: "silent", name: "test" });
    return { told, judge: createModelJudge({ readiness, logger }, pauseSeconds) };
  };

  test("when three messages in a row cannot be read, once, until it has read one", () => {
    const { told, judge } = create();
    for (let n = 0; n < 5; n++) judge.judge(unreadable);
    expect(told).toEqual(["model_answers"]);
    judge.judge(report({}));
    expect(told).toEqual(["model_answers", "no model_answers"]);
  });

  test("not for one message here and there, nor for a provider that is away", () => {
    const { told, judge } = create();
    for (let n = 0; n < 5; n++) {
      judge.judge(unreadable);
      judge.judge(report({ outcome: "failed", error: new MemoryError("unavailable", "away") }));
      judge.judge(report({}));
    }
    expect(told).not.toContain("model_answers");
  });

  test("at once when it cannot read anything, and then it is left alone for longer and longer", () => {
    const pauses: number[] = [];
    const { told, judge } = create((faults) => {
      pauses.push(faults);
      return 60;
    });
    expect(judge.isResting()).toBe(false);
    judge.judge(atFault);
    judge.judge(atFault);
    expect(told).toEqual(["model_answers"]);
    expect(pauses).toEqual([1, 2]);
    expect(judge.isResting()).toBe(true);
  });
});
