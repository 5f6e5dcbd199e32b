import { target } from "./target.ts";

/** The body of every error on `/api`. */
export interface ErrorBody {
  error: string;
  message: string;
  request_id: string;
  details?: unknown;
}

/** What came back; `body` is the parsed JSON, undefined if there is none. */
export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

/** One request: a `body` is sent as JSON, a `raw` one as it is. */
export interface ApiOptions {
  body?: unknown;
  raw?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
  /** Sent as `Authorization: Bearer`; the target's first key unless given, no header at all for null. */
  key?: string | null;
  /** One certain API; else the requests go round all of them. */
  base?: string;
}

/** No request of this suite may take longer; a hang is a failure. */
const requestTimeoutMs = 60_000;

let requests = 0;

/** The next API in turn. */
export function nextBase(): string {
  const base = target.bases[requests++ % target.bases.length];
  if (base === undefined) throw new Error("The target has no address");
  return base;
}

/** Sends one request; gives every answer, errors too, and throws only when there is none. */
export async function api<Body = ErrorBody>(
  method: string,
  path: string,
  options: ApiOptions = {},
): Promise<Answer<Body>> {
  const headers = new Headers(options.headers);
  const key = options.key === undefined ? target.key : options.key;
  if (key !== null && !headers.has("authorization")) headers.set("authorization", `Bearer ${key}`);
  if (options.body !== undefined && !headers.has("content-type")) headers.set("content-type", "application/json");
  const sent = options.body === undefined ? options.raw : JSON.stringify(options.body);
  const response = await fetch(`${options.base ?? nextBase()}${path}`, {
    method,
    headers,
    signal: AbortSignal.timeout(requestTimeoutMs),
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parse(text, response.headers) as Body, text };
}

/** Sends `raw` as it is, under the content type of JSON. */
export async function sendJson<Body = ErrorBody>(method: string, path: string, raw: string): Promise<Answer<Body>> {
  return api<Body>(method, path, { raw, headers: { "content-type": "application/json" } });
}

function parse(text: string, headers: Headers): unknown {
  if (text === "" || !/\bjson\b/.test(headers.get("content-type") ?? "")) return undefined;
  return JSON.parse(text);
}
