import type { Extraction, ExtractionRequest, Extractor } from "@engram/memory";

/** An extractor under a test's hand: what it is asked, and what it answers. */
export interface FakeExtractor extends Extractor {
  readonly requests: ExtractionRequest[];
  /** Unless told otherwise: every turn of the user is a fact as it stands. */
  answer: (request: ExtractionRequest) => Promise<Extraction>;
}

export function createFakeExtractor(): FakeExtractor {
  const requests: ExtractionRequest[] = [];
  return {
    model: "fake-llm",
    offline: false,
    requests,
    answer: (request) => Promise.resolve({ facts: factsOf(request), promptVersion: "test" }),
    extract(request) {
      requests.push(request);
      return this.answer(request);
    },
  };
}

/** One new fact for each turn of the user. */
export function factsOf(request: ExtractionRequest): Extraction["facts"] {
  return request.turns
    .filter((turn) => turn.role === "user")
    .map((turn) => ({
      content: turn.content,
      type: "fact",
      importance: null,
      entities: [],
      occurredAt: null,
      from: [turn.number],
      relation: { kind: "new" },
    }));
}
