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
  /** The model as the provider knows it. */
  readonly model: unknown;
}

const ID_LENGTH_MAX = 256;

/**
 * Whose talk it is: `user`, else `X-User-Id`, else what follows the @ of the model. Undefined: nobody's, and the request
 * passes untouched. Throws `invalid` for an id that cannot be kept.
 */
export function whoAsks(body: ChatBody, header: (name: string) => string | undefined): Who | undefined {
  const at = typeof body.model === "string" ? body.model.lastIndexOf("@") : -1;
  const [model, ofModel] =
    typeof body.model === "string" && at > 0
      ? [body.model.slice(0, at), body.model.slice(at + 1)]
      : [body.model, undefined];
  const userId = [body.user, header("x-user-id"), ofModel].find(
    (id): id is string => typeof id === "string" && id !== "",
  );
  if (userId === undefined || userId.length > ID_LENGTH_MAX) return undefined;
  assertStorable(userId, "user");
  const sessionId = header("x-session-id");
  return {
    userId,
    sessionId: sessionId === undefined || sessionId === "" ? null : sessionId.slice(0, ID_LENGTH_MAX),
    model,
  };
}
