import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { MemoryError } from "@engram/memory";

export interface UpstreamRequest {
  readonly method: "GET" | "POST";
  /** Below the base URL, `/chat/completions`. */
  readonly path: string;
  readonly body?: Buffer;
  /** The caller's, where they have a meaning for the provider. */
  readonly headers: Readonly<Record<string, string>>;
  /** Instead of the configured key. */
  readonly authorization?: string;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The bytes as they come; destroying it ends the request. */
  readonly body: IncomingMessage;
}

export interface Upstream {
  /** Throws `unavailable` when the provider cannot be reached; any answer of its own is an answer. */
  send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamAnswer>;
}

const OPENAI = "https://api.openai.com/v1";

/**
 * The provider, byte for byte: nothing is read, unpacked or tried again on the way. Without time-outs of its own: a model
 * that thinks for an hour is the client's to give up.
 */
export function createUpstream({ apiKey, baseUrl }: { readonly apiKey: string; readonly baseUrl?: string }): Upstream {
  const base = (baseUrl ?? OPENAI).replace(/\/+$/u, "");
  return {
    send({ method, path, body, headers, authorization }, signal) {
      const url = new URL(base + path);
      const send = url.protocol === "https:" ? requestHttps : requestHttp;
      return new Promise((resolve, reject) => {
        const outgoing = send(
          url,
          {
            method,
            signal,
            headers: {
              ...headers,
              authorization: authorization ?? `Bearer ${apiKey}`,
              ...(body === undefined ? {} : { "content-length": body.length }),
            },
          },
          (answer) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: answer }),
        );
        outgoing.once("error", (cause) => {
          reject(
            new MemoryError("unavailable", "The model provider cannot be reached (OPENAI_BASE_URL)", {
              cause: new Error(nameOf(cause)),
            }),
          );
        });
        outgoing.end(body);
      });
    },
  };
}

/** The system's own word, such as ECONNREFUSED: no room for what was sent. */
function nameOf(cause: NodeJS.ErrnoException): string {
  return cause.code ?? cause.name;
}
