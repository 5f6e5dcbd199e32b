import { LEVELS, MemoryError, type RetentionRules } from "@engram/memory";
import { z } from "zod";
import { fields, parse } from "../fields.ts";
import { defineRoute } from "../route.ts";

const query = z.object({
  days: fields.retention_days.optional(),
  type: fields.retention_by.optional().meta({ description: "Days of single types, `interaction=90,pattern=365`." }),
  level: fields.retention_by.optional().meta({ description: "Days of single levels, `agent=180`." }),
});

export const previewRetention = defineRoute({
  method: "get",
  path: "/api/retention/preview",
  summary: "What retention would delete at this moment: by the rules of the query, else by those that are configured.",
  query,
  async handle({ deps, req, principal }) {
    const { input } = parse(query, req.query);
    const isAsked = Object.keys(input).length > 0;
    const { days, daysByType, daysByLevel } = deps.config.retention;
    const rules: RetentionRules = isAsked
      ? { days: input.days, daysByType: daysBy("type", input.type), daysByLevel: daysBy("level", input.level, LEVELS) }
      : { days, daysByType, daysByLevel };
    const counts = await deps.sockets.store.previewRetention(principal.projectId, rules);
    return {
      status: 200,
      body: {
        rules: { days: rules.days ?? null, by_type: rules.daysByType, by_level: rules.daysByLevel },
        would_delete: counts,
        total: counts.reduce((sum, one) => sum + one.memories, 0),
      },
    };
  },
});

function daysBy(field: string, text: string | undefined, names?: readonly string[]): Record<string, number> {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [, name = "", days = ""] = /^\s*([^=,\s][^=,]*?)\s*=\s*(\d{1,6})\s*$/.exec(part) ?? [];
      if (Number(days) >= 1 && (names === undefined || names.includes(name))) return [name, Number(days)];
      const message = `${field}: must be names with days, such as ${names === undefined ? "interaction" : names[0]}=90`;
      throw new MemoryError("invalid", message, { details: [{ field, message }] });
    }),
  );
}
