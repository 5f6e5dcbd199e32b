import { assertStorable, CONTENT_BYTES_MAX, LEVELS, MemoryError } from "@engram/memory";
import { z } from "zod";
import { askedTime, time } from "./time-fields.ts";

/*
 * The fields of the wire: lenient in (numbers where ids are strings, "5" where a number is meant, null for absent),
 * strict out. Limits are CONTRACT.md 1's.
 */

const ID_LENGTH_MAX = 256;
const METADATA_BYTES_MAX = 16_384;
/** Deeper metadata is a mistake, and PostgreSQL's stack is not endless. */
const METADATA_DEPTH_MAX = 32;
const CATEGORIES_MAX = 64;
const TYPE_LENGTH_MAX = 64;
const WISH_LENGTH_MAX = 2_000;
/** Past that the prompt is a store of its own. */
const TOKEN_BUDGET_MAX = 32_000;
export const LIMIT_MAX = 1000;
export const LIMIT_DEFAULT = 10;
const WAIT_SECONDS_DEFAULT = 10;
const WAIT_SECONDS_MAX = 60;

function storable(field: string, value: string, context: z.RefinementCtx): string {
  try {
    assertStorable(value, field);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "is not text" });
  }
  return value;
}

/** An id: a string, or a number as automation tools send it. Blanks alone are an expression that came to nothing. */
function id(description: string) {
  return z
    .preprocess(
      (value) => (typeof value === "number" && Number.isFinite(value) ? String(value) : value),
      z
        .string()
        .min(1)
        .max(ID_LENGTH_MAX)
        .refine((value) => value === "" || value.trim() !== "", "must not be blank"),
    )
    .transform((value, context) => storable("id", value, context))
    .meta({ description, type: "string" });
}

/** A number, or a string that says one. */
function numeric<T extends z.ZodType>(schema: T) {
  return z.preprocess(
    (value) => (typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value),
    schema,
  );
}

function flag() {
  return z.preprocess((value) => (value === "true" ? true : value === "false" ? false : value), z.boolean());
}

function listOf<T extends z.ZodType>(schema: T, max: number) {
  return z.preprocess((value) => (typeof value === "string" ? [value] : value), z.array(schema).max(max));
}

/** A text for the model that reads conversations: it costs tokens with each of its calls. */
function wish(description: string) {
  return z
    .string()
    .trim()
    .max(WISH_LENGTH_MAX)
    .transform((value, context) => storable("text", value, context))
    .meta({ description, type: "string" });
}

const type = z
  .string()
  .trim()
  .min(1)
  .max(TYPE_LENGTH_MAX)
  .transform((value, context) => storable("type", value, context))
  .meta({
    description:
      "Any name; `fact`, `preference`, `interaction` (an event, always kept), `metadata` and `pattern` are known.",
    type: "string",
  });

const metadata = z
  .record(z.string(), z.unknown())
  .superRefine((value, context) => {
    const fault = metadataFault(value);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  })
  .meta({
    description: `A JSON object of at most ${METADATA_BYTES_MAX} bytes and ${METADATA_DEPTH_MAX} levels.`,
    type: "object",
  });

function metadataFault(value: unknown): string | undefined {
  // Breadth first and without recursion: the depth is the caller's.
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > METADATA_DEPTH_MAX) return `is nested deeper than ${METADATA_DEPTH_MAX} levels`;
    const next: unknown[] = [];
    for (const item of level) {
      // 1e400, which JSON would keep as null.
      if (item === Infinity || item === -Infinity) return "contains a number that is too large";
      const texts =
        typeof item === "string"
          ? [item]
          : typeof item === "object" && item !== null && !Array.isArray(item)
            ? Object.keys(item)
            : [];
      if (texts.some((text) => text.includes("\0") || !text.isWellFormed()))
        return "contains a NUL character or a lone surrogate, which is not text";
      if (typeof item === "object" && item !== null) next.push(...(Object.values(item) as unknown[]));
    }
    level = next;
  }
  return Buffer.byteLength(JSON.stringify(value)) > METADATA_BYTES_MAX
    ? `is larger than ${METADATA_BYTES_MAX} bytes`
    : undefined;
}

/** Every field that a body or a query may hold, each defined once. */
export const fields = {
  user_id: id("Whose memory it is."),
  agent_id: id("The agent that tells it, or whose own it is (level `agent`)."),
  session_id: id("The session in which it is told, or whose own it is (level `session`)."),
  key: id("Names a slot: a newer state with the same key retires the older one."),
  content: z.string().meta({ description: `One short statement, at most ${CONTENT_BYTES_MAX} bytes of UTF-8.` }),
  type,
  types: listOf(type, 32).meta({ description: "Only these types." }),
  level: z.enum(LEVELS).meta({ description: "Who sees it: the user everywhere, one session, or one agent." }),
  metadata,
  importance: numeric(z.number().min(0).max(1)).meta({ description: "0..1", type: "number" }),
  categories: listOf(
    z
      .string()
      .trim()
      .min(1)
      .max(ID_LENGTH_MAX)
      .transform((value, context) => storable("categories", value, context)),
    CATEGORIES_MAX,
  ).meta({ description: "Names to group by.", type: "array" }),
  occurred_at: time("When it happened; else `metadata.timestamp`, else now."),
  expires_at: time("When it is to be forgotten."),
  ttl_seconds: numeric(z.number().positive().max(3_155_760_000)).meta({
    description: "To be forgotten after so many seconds; instead of `expires_at`.",
    type: "number",
  }),
  wait: z
    .union([flag(), numeric(z.number().min(0).max(WAIT_SECONDS_MAX))])
    .transform((value) => (value === true ? WAIT_SECONDS_DEFAULT : value === false ? 0 : value))
    .meta({
      description: `Answer when it is in the index: true (${WAIT_SECONDS_DEFAULT} s), or seconds up to ${WAIT_SECONDS_MAX}.`,
    }),
  query: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= CONTENT_BYTES_MAX, {
      message: `must be at most ${CONTENT_BYTES_MAX} bytes of UTF-8`,
    })
    .meta({
      description: `What to look for, at most ${CONTENT_BYTES_MAX} bytes of UTF-8. Absent: the newest and most important.`,
    }),
  relevance_threshold: numeric(z.number().min(0).max(1)).meta({
    description: "0..1; 0.7 lets right answers pass.",
    type: "number",
  }),
  limit: numeric(z.number().int().min(1).max(LIMIT_MAX)).meta({
    description: `1 to ${LIMIT_MAX}, else ${LIMIT_DEFAULT}.`,
    type: "integer",
  }),
  offset: numeric(z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)).meta({
    description: "How many to skip.",
    type: "integer",
  }),
  cursor: z.string().max(1024).meta({ description: "`next_cursor` of the page before." }),
  scope: z.enum(["exact"]).meta({ description: "`exact`: the ids are plain filters on where a memory came from." }),
  strict: flag().meta({ description: "Rather fail than answer without the embedder.", type: "boolean" }),
  explain: flag().meta({ description: "Tell why each memory is where it is, and what was left out.", type: "boolean" }),
  messages: z.unknown().meta({
    description:
      "What was said: a list of `{role, content, name?, timestamp?}`, as OpenAI has it; or one text, which is the user's.",
    type: "array",
    items: { type: "object" },
  }),
  infer: flag().meta({
    description: "False: every turn is kept as it is (`interaction`), and no model reads it.",
    type: "boolean",
  }),
  custom_instructions: wish("What to look for in this talk, in your own words."),
  includes: wish("Keep nothing else than this."),
  excludes: wish("Never keep this."),
  filters: z.unknown().meta({
    description:
      "Conditions on columns and metadata: `{AND, OR, NOT, field: value, field: {eq, ne, gt, gte, lt, lte, in, nin, contains, icontains}}`, nested; `*` is any value. See docs/filters.md.",
    type: "object",
  }),
  promote: flag().meta({ description: "Take out what should last first.", type: "boolean" }),
  retention_days: numeric(z.number().int().min(1).max(999_999)).meta({
    description: "Days that a memory is kept after it was last told.",
    type: "integer",
  }),
  retention_by: z.string().max(1_000),
  model: z
    .string()
    .trim()
    .min(1)
    .max(ID_LENGTH_MAX)
    .transform((value, context) => storable("model", value, context))
    .meta({ description: "Else LLM_MODEL.", type: "string" }),
  temperature: numeric(z.number().min(0).max(2)).meta({ description: "0..2, as the model has it.", type: "number" }),
  system: z.string().max(CONTENT_BYTES_MAX).meta({ description: "What the application tells the model first." }),
  stream: flag().meta({ description: "Answer in server-sent events.", type: "boolean" }),
  token_budget: numeric(z.number().int().min(1).max(TOKEN_BUDGET_MAX)).meta({
    description: `Tokens that the context may have at most, 1 to ${TOKEN_BUDGET_MAX}, else 800.`,
    type: "integer",
  }),
  context_format: z.enum(["text", "messages", "json"]).meta({
    description: "`text` (the default), `messages` to be put before the talk, or `json`.",
  }),
  created_after: time("Created at this time or later."),
  created_before: time("Created before this time."),
  as_of: time("What was valid at this time, retired since or not."),
  query_time: askedTime(
    'When the question is asked, for "yesterday" and the like; its offset is the asker\'s. Else now.',
  ),
} as const satisfies Record<string, z.ZodType>;

export interface Parsed<T> {
  readonly input: T;
  /** What was given and means nothing here. */
  readonly warnings: readonly string[];
}

/**
 * Parses a body or a query: null is absent, unknown fields are named in `warnings`, and a fault throws `invalid` with
 * every field that is wrong; the first one makes the message.
 */
export function parse<T extends z.ZodObject>(schema: T, given: unknown): Parsed<z.output<T>> {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new MemoryError("invalid", "The body must be a JSON object");
  const present = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  );
  const result = schema.safeParse(present);
  if (!result.success) throw invalid(result.error.issues, present);
  const warnings = Object.keys(present)
    .filter((name) => !Object.hasOwn(schema.shape, name))
    .map((name) => `Unknown field ignored: ${name.slice(0, 100)}`);
  return { input: result.data, warnings };
}

function invalid(issues: readonly z.core.$ZodIssue[], present: Record<string, unknown>): MemoryError {
  const details = issues.map((issue) => {
    const field = issue.path.map(String).join(".");
    const missing = issue.path.length === 1 && !Object.hasOwn(present, field);
    return { field, message: missing ? `Missing required field: ${field}` : `${field}: ${issue.message}` };
  });
  return new MemoryError("invalid", details[0]?.message ?? "Invalid request", { details });
}

/** The error of a required field that is not there, in the guide's words. */
export function missing(field: string): MemoryError {
  const message = `Missing required field: ${field}`;
  return new MemoryError("invalid", message, { details: [{ field, message }] });
}
