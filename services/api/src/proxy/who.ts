import { assertStorable } from "@engram/memory";

/** OpenAI's body as far as the proxy reads it; everything else passes by. */
export interface ChatBody extends Record<string, unknown> {
  readonly model?: unknown;
  readonly user?: unknown;
  readonly messages?: unknown;
  readonly stream?: unknown;
}

export interface Who {
  readonly userId: string;
  readonly sessionId: string | null;
  /** The model as the provider knows it; undefined where the body's own is meant. */
  readonly model: string | undefined;
}

const ID_LENGTH_MAX = 256;

/**
 * Whose talk it is: `user`, else `X-User-Id`, else what follows the @ of the model, which means that only then (some
 * providers' own names have one). Undefined: nobody's, and the request passes untouched. Throws `invalid` for an id that
 * cannot be kept.
 */
export function whoAsks(body: ChatBody, header: (name: string) => string | undefined): Who | undefined {
  const user = typeof body.user === "number" ? String(body.user) : body.user;
  const told = [user, header("x-user-id")].find((id): id is string => typeof id === "string" && id !== "");
  const [, model, ofModel] = (typeof body.model === "string" && /^(.+)@([^@]+)$/su.exec(body.model)) || [];
  const userId = told ?? ofModel;
  if (userId === undefined || userId.length > ID_LENGTH_MAX) return undefined;
  assertStorable(userId, "user");
  const sessionId = header("x-session-id");
  return {
    userId,
    sessionId: sessionId === undefined || sessionId === "" ? null : sessionId.slice(0, ID_LENGTH_MAX),
    model: told === undefined ? model : undefined,
  };
}
