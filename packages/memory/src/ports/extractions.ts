import type { ExtractionWishes, Message, Speaker } from "../conversation.ts";
import type { MemoryDraft, Metadata } from "../memory.ts";

/** The topic of the outbox whose keys are owners of talk (`tenantOf`). */
export const EXTRACT_TOPIC = "extract";

export interface ExtractionLimits {
  readonly messagesMax: number;
  /** Of UTF-8, the messages together; one message alone may be longer. */
  readonly bytesMax: number;
  /** Turns before the first one, to be understood by. */
  readonly beforeMax: number;
}

/** Messages of one owner that wait, of one session and with one set of wishes, in their order. */
export interface ExtractionBatch {
  readonly speaker: Speaker;
  readonly messages: readonly Message[];
  readonly before: readonly Message[];
  readonly wishes: ExtractionWishes;
  readonly metadata: Metadata;
  readonly expiresAt: Date | null;
  readonly requestIds: readonly string[];
}

/** One fact, ready to be kept. Where it names ids, those of drafts before it in the same list will do, too. */
export interface KeptFact {
  readonly draft: MemoryDraft;
  /** Ids of memories that end where this one begins; each only while it stands. */
  readonly retires: readonly string[];
  /** The memory that says the same: told again while it stands, and nothing is kept of the draft but where it comes from. */
  readonly sameAs?: string;
}

/** A claimed owner of talk. */
export interface ExtractionClaim {
  readonly owner: string;
  readonly token: string;
}

/** What the worker does with talk. Every effect stands or falls with the claim: a lost lease changes nothing. */
export interface Extractions {
  /** The batch of the oldest message that waits. Undefined: none does. */
  read(owner: string, limits: ExtractionLimits): Promise<ExtractionBatch | undefined>;
  /**
   * Keeps the facts one after the other, marks the messages, completes the events and answers for the claim, in one commit.
   * `isCut`: there was more in them, so they are set aside. False: the lease is another's, or a message is gone or extracted
   * by now; nothing has changed.
   */
  settle(
    claim: ExtractionClaim,
    messages: readonly string[],
    facts: readonly KeptFact[],
    options?: { readonly isCut: boolean },
  ): Promise<boolean>;
  /**
   * The messages are read in batches of at most so many from now on, the first at once. `isOfSize`: those too that were
   * narrowed before and wait still, since no message is at fault but their number. False: the lease is another's.
   */
  narrow(
    claim: ExtractionClaim,
    messages: readonly string[],
    options: { readonly messagesMax: number; readonly isOfSize: boolean },
  ): Promise<boolean>;
  /**
   * Counts an answer about one message that could not be read; the last of `attemptsMax` sets it aside (it stays findable
   * by its words, its event fails, and its owner's work is parked once nothing waits). False: the lease is another's, or the
   * message is gone.
   */
  refuse(claim: ExtractionClaim, message: string, attemptsMax: number): Promise<boolean>;
  /** Answers for a claim under which nothing waits any more; what has come meanwhile is due at once. */
  done(claim: ExtractionClaim): Promise<boolean>;
}
