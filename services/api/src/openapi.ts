import { ANSWER_HOURS, KNOWN_TYPES, LEVELS } from "@engram/memory";
import { BACKENDS } from "@engram/sockets";
import { z } from "zod";
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_LENGTH_MAX, IDEMPOTENCY_REPLAYED } from "./keyed-write.ts";
import type { Route } from "./route.ts";

const KEYED = [{ bearer: [] }, { apiKey: [] }];

/** The description of the API in OpenAPI 3.1, from the very schemas that the routes parse with. */
export function openapi(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {
    "/api/health": {
      get: open("The process answers.", { status: "ok", version, timestamp: "2026-01-01T00:00:00.000Z" }),
      head: open("The process answers.", {}),
    },
    "/livez": { get: open("The process lives.", { status: "ok" }) },
    "/readyz": {
      get: {
        ...open("The states of the sockets; with a key also what is wrong and its cure.", {}),
        security: [{}, ...KEYED],
      },
    },
    "/api/memory/status": {
      get: {
        ...open(
          "Whether there is memory, and where; with a key also its parts, and what is wrong and its cure.",
          {
            enabled: true,
            initialized: true,
            backend: "qdrant",
          },
          STATUS,
        ),
        security: [{}, ...KEYED],
      },
    },
    "/openapi.json": { get: open("This description.", {}) },
    "/metrics": {
      get: {
        summary: "Metrics in Prometheus' text format.",
        responses: { 200: { description: "Metrics", content: { "text/plain": {} } } },
      },
    },
  };
  Object.assign(paths, PROVIDERS);
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Engram",
      version,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      description: "Self-hosted memory for agents and automations.",
    },
    security: KEYED,
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
      },
      schemas: { Memory: MEMORY, Error: ERROR },
    },
  };
}

function operation(route: Route) {
  const pathParameters = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const queryParameters = Object.entries(route.query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema: jsonSchema(schema as z.ZodType),
  }));
  return {
    operationId: `${route.method}_${route.path.replaceAll(/\W+/g, "_").replace(/^_/, "")}`,
    summary: route.summary,
    parameters: [...pathParameters, ...queryParameters, ...(route.idempotent === true ? [KEY_PARAMETER] : [])],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: jsonSchema(route.body) } } } }),
    responses: {
      [route.status ?? 200]: {
        description: "Done",
        ...(route.idempotent === true ? KEY_HEADERS : {}),
        content: { "application/json": { schema: { type: "object" } } },
      },
      ...(route.path === "/api/memories"
        ? {
            201: {
              description: "Created",
              ...KEY_HEADERS,
              content: { "application/json": { schema: { $ref: "#/components/schemas/Memory" } } },
            },
          }
        : {}),
      ...(route.idempotent === true ? KEY_RESPONSES : {}),
      default: wrong("What is wrong, and with which field"),
    },
  };
}

function wrong(description: string) {
  return { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } };
}

const KEY_PARAMETER = {
  name: IDEMPOTENCY_KEY,
  in: "header",
  required: false,
  description: `Any name that is new for each write, a UUID say. Sent again within ${ANSWER_HOURS} hours with the same request, it gets the first answer and writes nothing.`,
  schema: { type: "string", minLength: 1, maxLength: IDEMPOTENCY_KEY_LENGTH_MAX, pattern: "^[ -~]+$" },
};

const KEY_HEADERS = {
  headers: {
    [IDEMPOTENCY_REPLAYED]: {
      description: `\`true\` on the answer of an earlier request with the same ${IDEMPOTENCY_KEY}.`,
      schema: { type: "string", enum: ["true"] },
    },
  },
};

const KEY_RESPONSES = {
  404: wrong(`Not there; also where what was written under this ${IDEMPOTENCY_KEY} has been deleted since.`),
  409: wrong(
    `A request with this ${IDEMPOTENCY_KEY} is under way (see Retry-After), or the text stands in another memory.`,
  ),
  422: wrong(`This ${IDEMPOTENCY_KEY} was used for another request.`),
};

function open(summary: string, example: object, schema: object = { type: "object" }) {
  return {
    summary,
    security: [{}],
    responses: {
      200: { description: summary, content: { "application/json": { schema, example } } },
    },
  };
}

/** What goes in; a field whose coercion JSON Schema cannot say carries its type in its meta. */
function jsonSchema(schema: z.ZodType) {
  const { $schema: _draft, ...json } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return json;
}

const time = { type: "string", format: "date-time" };
const orNull = (schema: { type: string; format?: string }) => ({ ...schema, type: [schema.type, "null"] });
const text = { type: "string" };

/** What the provider answers, as it answers it; its own description says more. */
const PROVIDERS = {
  "/v1/chat/completions": {
    post: {
      operationId: "post_v1_chat_completions",
      summary: "OpenAI's chat completions, streamed or not, with what is known of the user and kept of the talk.",
      parameters: [
        {
          name: "X-User-Id",
          in: "header",
          required: false,
          description: "Where the body has no `user`.",
          schema: text,
        },
        { name: "X-Session-Id", in: "header", required: false, schema: text },
      ],
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              properties: { model: text, user: text, messages: { type: "array" }, stream: { type: "boolean" } },
            },
          },
        },
      },
      responses: {
        default: { description: "The provider's answer", content: { "application/json": {}, "text/event-stream": {} } },
      },
    },
  },
  "/v1/models": {
    get: {
      operationId: "get_v1_models",
      summary: "The provider's models.",
      responses: { default: { description: "The provider's answer", content: { "application/json": {} } } },
    },
  },
};

const MEMORY = {
  type: "object",
  properties: {
    id: { type: "string", pattern: "^mem_[0-9a-z]{26}$" },
    user_id: orNull(text),
    agent_id: orNull(text),
    session_id: orNull(text),
    level: { type: "string", enum: LEVELS },
    type: { type: "string", examples: KNOWN_TYPES },
    key: orNull(text),
    content: text,
    metadata: { type: "object" },
    importance: orNull({ type: "number" }),
    categories: { type: "array", items: text },
    occurred_at: time,
    created_at: time,
    updated_at: time,
    expires_at: orNull(time),
    valid_from: time,
    valid_to: orNull(time),
    superseded_by: orNull(text),
    seen_count: { type: "integer" },
    version: { type: "integer" },
    index_status: { type: "string", enum: ["pending", "indexed", "failed"] },
  },
};

const STATUS = {
  type: "object",
  required: ["enabled", "initialized", "backend"],
  properties: {
    enabled: { type: "boolean" },
    initialized: { type: "boolean" },
    backend: { type: "string", enum: BACKENDS },
    collection: text,
    embedding_model: text,
    llm_model: orNull(text),
    queue: text,
    problems: { type: "array", items: { type: "object", properties: { code: text, message: text, cure: text } } },
  },
};

const ERROR = {
  type: "object",
  required: ["error", "message", "request_id"],
  properties: {
    error: text,
    message: text,
    request_id: text,
    details: { type: "array", items: { type: "object", properties: { field: text, message: text, id: text } } },
  },
};
