import type { Problem } from "@engram/config";
import type { EmbedderUse } from "@engram/memory";
import type { Logger, Metrics } from "@engram/telemetry";
import { providerProblem } from "./provider-problems.ts";
import { Circuit, CIRCUIT_STATES, type CircuitOptions } from "./circuit.ts";

/** What stands behind a circuit. */
export type GuardedSocket = "models" | "llm" | "vectors";
/**
 * Searches and work have circuits of their own: a store whose disk is full still answers searches, and what is too slow
 * for a search may be in time for work.
 */
type CircuitUse = EmbedderUse;

const PROBLEMS: Record<GuardedSocket, Pick<Problem, "code" | "cure">> = {
  models: {
    code: "provider_unavailable",
    cure: "Check OPENAI_API_KEY, OPENAI_BASE_URL and EMBEDDING_MODEL, and the provider's status. Words answer and work waits meanwhile; it goes on by itself",
  },
  llm: {
    code: "llm_unavailable",
    cure: "Check OPENAI_API_KEY, OPENAI_BASE_URL and LLM_MODEL, and the provider's status. Conversations wait meanwhile and are found by their words; it goes on by itself",
  },
  vectors: {
    code: "qdrant_unavailable",
    cure: "Check QDRANT_URL and QDRANT_API_KEY, and Qdrant itself. Words answer and work waits meanwhile; it goes on by itself",
  },
};

/** The circuits of one process, with a metric each and a line in the log when one opens or closes. */
export class Circuits {
  readonly #logger: Logger;
  readonly #metrics: Pick<Metrics, "circuitState">;
  readonly #circuits: { readonly socket: GuardedSocket; readonly use: CircuitUse; readonly circuit: Circuit }[] = [];

  constructor({ logger, metrics }: { logger: Logger; metrics: Pick<Metrics, "circuitState"> }) {
    this.#logger = logger;
    this.#metrics = metrics;
  }

  create(socket: GuardedSocket, use: CircuitUse, options: Omit<CircuitOptions, "onChange">): Circuit {
    const labels = { socket, use };
    let isOut = false;
    const circuit = new Circuit({
      ...options,
      onChange: (state, fault) => {
        this.#measure(labels);
        // The steps between probe and probe say nothing new, and there may be a week of them.
        if (state === "open" && !isOut)
          this.#logger.warn({ ...labels, err: fault, cure: PROBLEMS[socket].cure }, "Circuit opened");
        if (state === "closed") this.#logger.info(labels, "Circuit closed");
        isOut = state !== "closed";
      },
    });
    this.#circuits.push({ ...labels, circuit });
    this.#measure(labels);
    return circuit;
  }

  /** Where several models have a circuit each, the worst of them is shown. */
  #measure(labels: { readonly socket: GuardedSocket; readonly use: CircuitUse }): void {
    const states = this.#circuits
      .filter((one) => one.socket === labels.socket && one.use === labels.use)
      .map((one) => CIRCUIT_STATES.indexOf(one.circuit.state));
    this.#metrics.circuitState.set(labels, Math.max(...states));
  }

  /** What does not answer, with the reason and the cure. */
  get problems(): readonly Problem[] {
    const faults = new Map(
      this.#circuits.flatMap(({ socket, circuit }) => (circuit.fault === undefined ? [] : [[socket, circuit.fault]])),
    );
    return [...faults].map(
      ([socket, fault]) => providerProblem(fault) ?? { ...PROBLEMS[socket], message: fault.message },
    );
  }

  isWhole(socket: GuardedSocket): boolean {
    return this.#circuits.every((one) => one.socket !== socket || one.circuit.state === "closed");
  }

  close(): void {
    for (const { circuit } of this.#circuits) circuit.close();
  }
}
