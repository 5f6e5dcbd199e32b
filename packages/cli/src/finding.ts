import type { Problem } from "@engram/config";

/** What `engram doctor` says of one socket. */
export interface Finding {
  readonly socket: string;
  readonly ok: boolean;
  readonly text: string;
  readonly cure?: string;
}

/** Something that a person should mend. */
export function trouble(socket: string, { message, cure }: Pick<Problem, "message" | "cure">): Finding {
  return { socket, ok: false, text: message, cure };
}
