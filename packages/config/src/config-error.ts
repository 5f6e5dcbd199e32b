/** One thing that is wrong with one variable. */
export interface ConfigFault {
  readonly variable: string;
  /** What is wrong and what to do, never the value of a secret. */
  readonly problem: string;
  /** A line that would be right, e.g. `MEM0_PORT=3456`. */
  readonly example: string;
}

/** Malformed configuration: every fault at once, so that nobody mends them one start at a time. The start ends here. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map((fault) => `  ${fault.variable}: ${fault.problem}\n    for example: ${fault.example}`);
    super(`The configuration has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n${lines.join("\n")}`);
    this.name = "ConfigError";
    this.faults = faults;
  }
}
