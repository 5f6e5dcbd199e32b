import type { Context, ContextItem } from "@engram/memory";
import { z } from "zod";
import { fields, missing, parse } from "../fields.ts";
import { withWarnings } from "../memory-json.ts";
import { recall, TOKEN_BUDGET_DEFAULT } from "../recall.ts";
import { defineRoute } from "../route.ts";
import { toMessages } from "../to-messages.ts";

const body = z.object({
  user_id: fields.user_id.optional(),
  session_id: fields.session_id.optional(),
  agent_id: fields.agent_id.optional(),
  query: fields.query.optional().meta({ description: "What the talk is about now." }),
  messages: fields.messages
    .meta({ description: "Instead of `query`: the talk, whose last words of the user count." })
    .optional(),
  token_budget: fields.token_budget.optional(),
  format: fields.context_format.optional(),
});

export const createContext = defineRoute({
  method: "post",
  path: "/api/context",
  summary:
    "What is known, as one block for a prompt: profile, what is relevant, what happened lately. No model is asked.",
  body,
  async handle({ deps, req, principal }) {
    const { input, warnings } = parse(body, req.body ?? {});
    if (input.user_id === undefined && input.agent_id === undefined) throw missing("user_id");
    const query = input.query ?? lastWords(input.messages);
    const context = await recall(deps, {
      scope: {
        projectId: principal.projectId,
        ...(input.user_id === undefined ? {} : { userId: input.user_id }),
        ...(input.session_id === undefined ? {} : { sessionId: input.session_id }),
        ...(input.agent_id === undefined ? {} : { agentId: input.agent_id }),
      },
      tokenBudget: input.token_budget ?? TOKEN_BUDGET_DEFAULT,
      ...(query === undefined ? {} : { query }),
    });
    return {
      status: 200,
      body: {
        context: shaped(context, input.format ?? "text"),
        tokens: context.tokens,
        memory_ids: idsOf(context),
        ...withWarnings(warnings),
      },
    };
  },
});

/** Every id that a context tells, in its order. */
export function idsOf({ groups }: Context): readonly string[] {
  return [...groups.profile, ...groups.relevant, ...groups.recent].map((item) => item.id);
}

function lastWords(messages: unknown): string | undefined {
  if (messages === undefined) return undefined;
  return toMessages(messages).messages.findLast((message) => message.role === "user")?.content;
}

function shaped(context: Context, format: "text" | "messages" | "json") {
  if (format === "text") return context.text;
  if (format === "messages") return context.text === "" ? [] : [{ role: "system", content: context.text }];
  return {
    profile: context.groups.profile.map(itemJson),
    relevant: context.groups.relevant.map(itemJson),
    recent: context.groups.recent.map(itemJson),
  };
}

function itemJson({ id, type, text, at }: ContextItem) {
  return { id, type, content: text, at };
}
