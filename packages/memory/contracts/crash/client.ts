import { randomUUID } from "node:crypto";
import { DEFAULT_PROJECT_ID, indexTopic, type Memory, type MemoryDraft, type PutResult } from "@engram/memory";
import { draft } from "../draft.ts";
import { OPTIONS, TARGET, type Parts, type World } from "./world.ts";

const actor = { requestId: null, name: null };

/**
 * A client, and what it knows: every memory whose put was acknowledged and which nobody has told it to forget must
 * stand at the end. It acts on the first memory that it told, the one the flows are about.
 */
export class Client {
  readonly #world: World;
  readonly #parts: Parts;
  readonly #told = new Map<string, Memory>();
  readonly #forgotten = new Set<string>();
  #changes = 0;

  constructor(world: World) {
    this.#world = world;
    this.#parts = world.open({ pass: (_call, effect) => effect() });
  }

  /** Ids of which the client knows that they stand. */
  get acknowledged(): readonly string[] {
    return [...this.#told.keys()].filter((id) => !this.#forgotten.has(id));
  }

  /** Where it asks for runs of jobs. */
  get schedules(): Parts["schedules"] {
    return this.#parts.schedules;
  }

  /** The memory that the flows are about; undefined before anything was told. */
  get subject(): string | undefined {
    return this.#told.keys().next().value;
  }

  /** Puts in one statement, over the parts of a process or its own; resolves when that is acknowledged. */
  async put(drafts: readonly MemoryDraft[], { store }: Pick<Parts, "store"> = this.#parts): Promise<void> {
    this.hears(await store.putMemories(drafts));
  }

  /** Learns that its puts are acknowledged. */
  hears(results: readonly PutResult[]): void {
    for (const { memory } of results) if (!this.#told.has(memory.id)) this.#told.set(memory.id, memory);
  }

  async tell(content: string, given: Partial<MemoryDraft> = {}): Promise<void> {
    await this.put([draft({ content, ...given })]);
  }

  async tellAgain(): Promise<void> {
    const told = this.#told.get(this.subject ?? "");
    if (told !== undefined) await this.tell(told.content, { key: told.key });
  }

  async change(id = this.subject, { store }: Pick<Parts, "store"> = this.#parts): Promise<void> {
    const content = `изменено ${++this.#changes}`;
    if (id !== undefined) await store.updateMemory(DEFAULT_PROJECT_ID, id, { content, mergeMetadata: false }, actor);
  }

  async describe(id = this.subject): Promise<void> {
    const metadata = { change: ++this.#changes };
    if (id !== undefined)
      await this.#parts.store.updateMemory(DEFAULT_PROJECT_ID, id, { metadata, mergeMetadata: true }, actor);
  }

  async remove(id = this.subject, { store }: Pick<Parts, "store"> = this.#parts): Promise<void> {
    if (id === undefined) return;
    this.#forgotten.add(id);
    await store.deleteMemory(DEFAULT_PROJECT_ID, id, actor);
  }

  async truncate(): Promise<void> {
    for (const row of await this.#world.rows()) this.#forgotten.add(row.id);
    await this.#parts.store.truncate();
  }

  /** Somebody claims all there is, and is never heard of again. */
  async loseLease(): Promise<void> {
    const { leaseSeconds, horizonSeconds, batchSize: limit } = OPTIONS;
    const lost = { token: randomUUID(), leaseSeconds, horizonSeconds, limit };
    await this.#parts.outbox.claim({ topic: indexTopic(TARGET.name), ...lost });
    await this.#world.pass(leaseSeconds + 5);
  }
}
