/** What the assistant has said, and what it cost, read from the bytes that pass by. */
export interface Reply {
  readonly content: string;
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

export interface ReplyReader {
  push(chunk: Buffer): void;
  /** Of an answer that was cut, as far as it came. */
  end(): Reply;
}

/** Longer answers pass as they are, and are not remembered. */
const BYTES_MAX = 8 * 1024 * 1024;

interface Completion {
  readonly choices?: readonly {
    readonly index?: number;
    readonly message?: { content?: unknown };
    readonly delta?: { content?: unknown };
  }[];
  readonly usage?: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown } | null;
}

/** Of a body as a whole, or of server-sent events as OpenAI streams them. The first choice is the one that is remembered. */
export function createReplyReader(isStream: boolean): ReplyReader {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.length;
      if (bytes <= BYTES_MAX) chunks.push(chunk);
    },
    end() {
      if (bytes > BYTES_MAX) return { content: "", promptTokens: undefined, completionTokens: undefined };
      const text = Buffer.concat(chunks).toString("utf8");
      const parts = isStream ? eventsOf(text) : [parse(text)];
      const usage = parts.findLast((part) => part?.usage !== null && part?.usage !== undefined)?.usage;
      return {
        content: parts.map((part) => contentOf(part)).join(""),
        promptTokens: numberOf(usage?.prompt_tokens),
        completionTokens: numberOf(usage?.completion_tokens),
      };
    },
  };
}

function eventsOf(text: string): readonly (Completion | undefined)[] {
  return text.split(/\r?\n/u).flatMap((line) => (line.startsWith("data:") ? [parse(line.slice("data:".length))] : []));
}

function parse(text: string): Completion | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function contentOf(completion: Completion | undefined): string {
  const choice = Array.isArray(completion?.choices)
    ? completion.choices.find((one) => (one.index ?? 0) === 0)
    : undefined;
  const content = choice?.message?.content ?? choice?.delta?.content;
  return typeof content === "string" ? content : "";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
