/** The faults that a test has ordered, in order, each used up after its `times`. */
import type { OpenAIFault } from "../control.ts";

export type FaultList = {
  readonly add: (fault: OpenAIFault) => void;
  readonly clear: () => void;
  /** The fault for a request with these inputs, counted as used; undefined when it is to be answered properly. */
  readonly take: (endpoint: "embeddings" | "chat", inputs: readonly string[]) => OpenAIFault | undefined;
};

export function createFaultList(): FaultList {
  let faults: { readonly fault: OpenAIFault; readonly pattern: RegExp; left: number }[] = [];
  return {
    add: (fault) => {
      faults.push({
        fault,
        pattern: new RegExp(fault.match ?? "", "u"),
        left: fault.times ?? Number.POSITIVE_INFINITY,
      });
    },
    clear: () => {
      faults = [];
    },
    take: (endpoint, inputs) => {
      const text = inputs.join("\n");
      const found = faults.find(
        ({ fault, pattern, left }) => left > 0 && (fault.endpoint ?? endpoint) === endpoint && pattern.test(text),
      );
      if (found !== undefined) found.left -= 1;
      return found?.fault;
    },
  };
}
