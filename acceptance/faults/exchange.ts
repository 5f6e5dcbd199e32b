import { request, type Agent } from "node:http";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** Sent as Idempotency-Key. */
  readonly key?: string;
}

/** How a call ended. `refused`: it was never sent; `lost`: it was, and nobody knows what became of it. */
export type Outcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly body: unknown;
      /** True: the answer that an earlier call with this key had. */
      readonly isReplay: boolean;
    }
  | { readonly kind: "refused" }
  | { readonly kind: "lost"; readonly reason: string };

/** Longer than a frozen process with a database that has to recover; a call that takes longer hangs. */
const CALL_TIMEOUT_MS = 20_000;

/**
 * Sends one call over node's own client, because `fetch` hides whether a request had been sent when it failed. Never
 * throws and never tries again.
 */
export function send(base: string, key: string, agent: Agent, call: Call): Promise<Outcome> {
  const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
  return new Promise((resolve) => {
    const headers = {
      authorization: `Bearer ${key}`,
      ...(call.key === undefined ? {} : { "idempotency-key": call.key }),
      ...(payload === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
    };
    const sent = request(`${base}${call.path}`, { method: call.method, agent, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", (error) => lose(error.message));
      response.on("close", () => lose("the answer was cut"));
      response.on("end", () => {
        if (!response.complete) return;
        settle({
          kind: "answered",
          status: response.statusCode ?? 0,
          body: parse(Buffer.concat(pieces).toString()),
          isReplay: response.headers["idempotency-replayed"] === "true",
        });
      });
    });
    const timer = setTimeout(() => sent.destroy(new Error("no answer in time")), CALL_TIMEOUT_MS);
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const lose = (reason: string): void => settle({ kind: "lost", reason });
    sent.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNREFUSED" ? settle({ kind: "refused" }) : lose(error.code ?? error.message),
    );
    sent.end(payload);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
