/**
 * The test-only control routes that both stand-ins have: `POST` and `DELETE /_test/faults`, `GET /_test/counters`. By
 * address, because a test knows no more of equipment that another process started.
 */

/** How often each thing happened since the stand-in started. */
export type Counters = Readonly<Record<string, number>>;

export type Control<Fault> = {
  /** Adds a fault; of several that match a request, the oldest with `times` left applies. */
  readonly fault: (fault: Fault) => Promise<void>;
  readonly clearFaults: () => Promise<void>;
  readonly counters: () => Promise<Counters>;
};

/** What a fault does to a request at the Qdrant stand-in. Field names are those of its control route. */
export type QdrantFault = {
  /** Regular expression on method and path, as in "PUT .+points". Every request when absent. */
  readonly match?: string;
  /** How many requests it hits. No end when absent. */
  readonly times?: number;
  /** Waits this long, then goes on as usual. */
  readonly delay_ms?: number;
  /** Answers this status, without any effect. */
  readonly fail_status?: number;
  /** `Retry-After` of that answer, in seconds. */
  readonly retry_after?: number;
  /** Applies the effect, then resets the connection instead of answering. */
  readonly drop?: boolean;
  /** Resets the connection now and applies the effect this much later: the outcome that a client cannot know. */
  readonly late_ms?: number;
};

/** What a fault does to a request at the OpenAI stand-in. Field names are those of its control route. */
export type OpenAIFault = {
  /** Whose requests it hits; both when absent. */
  readonly endpoint?: "embeddings" | "chat";
  /** Regular expression on the inputs (of a chat: the texts of its messages), one per line. Every request when absent. */
  readonly match?: string;
  readonly times?: number;
  readonly status?: number;
  /** `Retry-After` of that answer: seconds, or a date as text. */
  readonly retry_after?: number | string;
  readonly delay_ms?: number;
  /** Never answers; the connection stays open until the client gives up. */
  readonly hang?: boolean;
  /** Answers 200 with a body that is no JSON. */
  readonly wrong_json?: boolean;
  /** Answers vectors that are one number short. */
  readonly wrong_dimension?: boolean;
  /** Answers only the first half of the embeddings asked for; of a chat's text half, as cut at its length. */
  readonly half?: boolean;
  /** Of a chat: refuses in the service's own words. */
  readonly refusal?: boolean;
  /** Of a chat: answers this text, whatever was asked. */
  readonly content?: string;
  /** Of a streamed chat: resets the connection after so many events. */
  readonly cut_after?: number;
  /** Of a streamed chat: waits so long between two events. */
  readonly pause_ms?: number;
};

/** What the OpenAI stand-in enforces: `POST /_test/limits`. What is absent has no limit; `{}` ends all of them. */
export type OpenAILimits = {
  readonly requests_per_minute?: number;
  readonly tokens_per_minute?: number;
  /** How long a minute lasts, for tests that have less time. 60,000 when absent. */
  readonly window_ms?: number;
};

export type OpenAIControl = Control<OpenAIFault> & {
  readonly limit: (limits: OpenAILimits) => Promise<void>;
};

export type QdrantControl = Control<QdrantFault> & {
  /** Builds the graphs that the real server would have built meanwhile, by `POST /_test/graphs`; they then answer searches. */
  readonly buildGraphs: () => Promise<void>;
};

export function qdrantControl(url: string): QdrantControl {
  return {
    ...createControl<QdrantFault>(url),
    buildGraphs: async () => {
      await call(url, "POST", "/_test/graphs");
    },
  };
}

/** `url` with or without its `/v1`. */
export function openAIControl(url: string): OpenAIControl {
  return {
    ...createControl<OpenAIFault>(url),
    limit: async (limits) => {
      await call(url, "POST", "/_test/limits", limits);
    },
  };
}

function createControl<Fault>(url: string): Control<Fault> {
  return {
    fault: async (fault) => {
      await call(url, "POST", "/_test/faults", fault);
    },
    clearFaults: async () => {
      await call(url, "DELETE", "/_test/faults");
    },
    counters: async () => (await call(url, "GET", "/_test/counters")) as Counters,
  };
}

async function call(url: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(new URL(path, url), {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
