import { backoffSeconds, type ExtractReport } from "@engram/memory";
import type { Readiness } from "@engram/sockets";
import type { Logger } from "@engram/telemetry";

/** So many messages in a row that cannot be read, each by itself, are no accident. */
const UNREADABLE_MAX = 3;
const PROBLEM = {
  code: "model_answers",
  message: "The answers of LLM_MODEL cannot be read as memories",
  cure: "Set LLM_MODEL and OPENAI_BASE_URL to a model that gives JSON by a schema. What was said waits or is set aside, and is found by its words",
} as const;

export interface ModelJudge {
  /** Takes in what a claim came to. */
  judge(report: ExtractReport): void;
  /** Whether the model was at fault so lately that asking it about more talk would be in vain. */
  isResting(): boolean;
}

/** Tells of a model that cannot do its work, once, until it has done some; `pauseSeconds` by the faults in a row. */
export function createModelJudge(
  { readiness, logger }: { readonly readiness: Pick<Readiness, "report" | "clear">; readonly logger: Logger },
  pauseSeconds: (faults: number) => number = backoffSeconds,
): ModelJudge {
  let unreadable = 0;
  let faults = 0;
  let restsUntilMs = Number.NEGATIVE_INFINITY;
  let isTold = false;
  const tell = (): void => {
    if (isTold) return;
    isTold = true;
    readiness.report(PROBLEM.code, PROBLEM);
    logger.warn({ code: PROBLEM.code, cure: PROBLEM.cure }, PROBLEM.message);
  };
  return {
    judge({ outcome, error, isModelAtFault, messages }) {
      if (isModelAtFault) {
        faults += 1;
        restsUntilMs = performance.now() + pauseSeconds(faults) * 1000;
        tell();
      } else if (outcome === "failed" && error?.code === "invalid") {
        unreadable += 1;
        if (unreadable >= UNREADABLE_MAX) tell();
      } else if (outcome === "done" && messages > 0) {
        [unreadable, faults, isTold] = [0, 0, false];
        readiness.clear(PROBLEM.code);
      }
    },
    isResting: () => performance.now() < restsUntilMs,
  };
}
