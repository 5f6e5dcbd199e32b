/** What has to be taken away at the end: the last that came first, each once, whatever becomes of the others. */
export class Undo {
  readonly #steps: { readonly what: string; readonly step: () => Promise<void> }[] = [];
  #ended: Promise<readonly string[]> | undefined;

  /** To be called before that is begun which is to be taken away, since it may be stopped half-way. */
  add(what: string, step: () => Promise<void>): void {
    this.#steps.push({ what, step });
  }

  /** What could not be taken away, and why. Called again it waits for the first time. */
  run(): Promise<readonly string[]> {
    this.#ended ??= this.#runAll();
    return this.#ended;
  }

  async #runAll(): Promise<readonly string[]> {
    const faults: string[] = [];
    for (const { what, step } of this.#steps.toReversed()) {
      try {
        await step();
      } catch (error) {
        faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return faults;
  }
}
