import { KNOWN_TYPES } from "@engram/memory";

export const RELATIONS = ["new", "same", "replaces"] as const;

/** The answer that is asked for, as OpenAI's strict structured output takes it: every field required, none besides. */
export const EXTRACTION_SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["facts"],
  properties: {
    facts: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["text", "type", "importance", "date", "entities", "from", "relation", "known"],
        properties: {
          text: { type: "string" },
          type: { type: "string", enum: KNOWN_TYPES },
          importance: { type: "number" },
          date: { type: ["string", "null"] },
          entities: { type: "array", items: { type: "string" } },
          from: { type: "array", items: { type: "integer" } },
          relation: { type: "string", enum: RELATIONS },
          known: { type: "array", items: { type: "string" } },
        },
      },
    },
  },
} as const;
