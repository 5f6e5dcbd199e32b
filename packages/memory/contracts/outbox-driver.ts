import {
  DEFAULT_PROJECT_ID,
  type Claimed,
  type ClaimOptions,
  type Failure,
  type IndexStatus,
  type Outbox,
} from "@engram/memory";
import { draft } from "./draft.ts";
import type { WritingStore } from "./fakes/store.ts";

export interface OutboxUnderTest {
  readonly outbox: Outbox;
  /** Whose writes make the work rows. */
  readonly store: WritingStore;
  /** The work row of a memory, for what no port shows. */
  find(id: string): Promise<{ readonly error: string | null } | undefined>;
  /** Time passes for everything that is stored, without anybody waiting for it. */
  pass(seconds: number): Promise<void>;
  /** Empties both tables. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export const topic = "index:main";
export const [mine, other] = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"] as const;

export const LEASE_SECONDS = 60;
export const HORIZON_SECONDS = 300;

const failure = { error: "unavailable: away", retryInSeconds: 0, doubt: false, park: false };
const actor = { requestId: null, name: null };

/** What the cases of the contract do to an outbox, and to the memories whose writes fill it. */
export class OutboxDriver {
  readonly #under: OutboxUnderTest;

  constructor(under: OutboxUnderTest) {
    this.#under = under;
  }

  async write(content: string): Promise<string> {
    const [result] = await this.#under.store.putMemories([draft({ content })]);
    return result?.memory.id ?? "";
  }

  change(id: string, content: string): Promise<unknown> {
    return this.#under.store.updateMemory(DEFAULT_PROJECT_ID, id, { content, mergeMetadata: false }, actor);
  }

  remove(id: string): Promise<unknown> {
    return this.#under.store.deleteMemory(DEFAULT_PROJECT_ID, id, actor);
  }

  claim(token: string, given: Partial<ClaimOptions> = {}): Promise<readonly Claimed[]> {
    const times = { leaseSeconds: LEASE_SECONDS, horizonSeconds: HORIZON_SECONDS };
    return this.#under.outbox.claim({ topic, limit: 64, token, ...times, ...given });
  }

  acknowledge(token: string, claimed: readonly Claimed[]): Promise<{ gone: number; kept: number }> {
    return this.#under.outbox.acknowledge(topic, token, claimed);
  }

  fail(token: string, claimed: readonly Claimed[], given: Partial<Failure> = {}): Promise<number> {
    const failures = claimed.map(({ key, generation }) => ({ key, generation, ...failure, ...given }));
    return this.#under.outbox.fail(topic, token, failures, HORIZON_SECONDS);
  }

  async status(id: string): Promise<IndexStatus | undefined> {
    return (await this.#under.store.getMemory(DEFAULT_PROJECT_ID, id))?.indexStatus;
  }

  /** Claims for another, and lets the lease run out. */
  async loseLease(): Promise<readonly Claimed[]> {
    const lost = await this.claim(other);
    await this.#under.pass(LEASE_SECONDS + 1);
    return lost;
  }
}
