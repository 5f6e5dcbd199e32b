import type { KeyedWrite, Metadata } from "./memory.ts";

/*
 * message     one raw turn that was handed to `add`: kept and found by its words at once, the source of facts later.
 * event       what became of one call of `add`; a client may ask after it.
 * exchange    the messages of one call, in their order.
 * extraction  making memories of messages, by a model or by rules.
 */

/** The field's roles; `developer` is taken for `system`, `function` for `tool`. */
export const ROLES = ["user", "assistant", "system", "tool"] as const;
export type Role = (typeof ROLES)[number];

/** How far what is made of talk is trusted, from least to most; what is trusted less never ends what is trusted more. */
export const TRUSTS = ["from_tool", "said_by_assistant", "said_by_user"] as const;
export type Trust = (typeof TRUSTS)[number];

/** Whose talk it is, and where. Nobody's own (`userId` null) only where an agent is named. */
export interface Speaker {
  readonly projectId: string;
  readonly userId: string | null;
  readonly agentId: string | null;
  readonly sessionId: string | null;
}

/** A message as it was said. */
export interface MessageDraft {
  readonly id: string;
  readonly role: Role;
  /** Who in that role, where the client tells. */
  readonly name: string | null;
  /** Normalised, not empty; parts that are no text stand in it as `[image]` and the like. */
  readonly content: string;
  /** When it was said; null or later than now: now. A time that the client gives is part of what makes two messages the same. */
  readonly saidAt: Date | null;
}

/** A message that is kept. */
export interface Message extends Speaker {
  readonly id: string;
  readonly role: Role;
  readonly name: string | null;
  readonly content: string;
  readonly saidAt: Date;
  readonly createdAt: Date;
}

/** What a project or a call asks of the extraction beside what it does by itself. */
export interface ExtractionWishes {
  /** In the words of whoever asks. */
  readonly instructions: string | null;
  /** What is to be kept alone; what is never to be kept. */
  readonly includes: string | null;
  readonly excludes: string | null;
  /** True: no talk but memories of a session that ends, each as somebody has written it. */
  readonly areNotes?: boolean;
}

/** One call of `add`, validated. */
export interface AddDraft {
  readonly eventId: string;
  readonly speaker: Speaker;
  readonly messages: readonly MessageDraft[];
  /** Merged into every memory that comes of it. */
  readonly metadata: Metadata;
  /** False: every turn of the user and the assistant is kept as it is, as an event (`interaction`), at once. */
  readonly infer: boolean;
  readonly wishes: ExtractionWishes;
  /** Of the memories that come of it; null: never. */
  readonly expiresAt: Date | null;
  /** True: once it is done, the memories of the speaker's session (level `session`) go. */
  readonly endsSession?: boolean;
  readonly requestId: string | null;
  readonly keyed?: KeyedWrite | undefined;
}

export const EVENT_STATUSES = ["queued", "running", "done", "failed", "parked"] as const;
/** `parked`: waits for an operator or for a budget; `failed`: some message cannot be extracted, and stays as it is. */
export type EventStatus = (typeof EVENT_STATUSES)[number];

/** What became of one memory: made, made in place of another, or known before. */
export interface AddResult {
  readonly id: string;
  readonly memory: string;
  readonly event: "ADD" | "SUPERSEDE" | "SAME";
}

export interface AddEvent {
  readonly id: string;
  readonly status: EventStatus;
  /** Empty until it is done, and where nothing was worth keeping. */
  readonly results: readonly AddResult[];
  /** Why it failed or is parked; never what was said. */
  readonly error: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
}
