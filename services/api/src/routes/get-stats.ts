import type { SpendLine } from "@engram/memory";
import { defineRoute } from "../route.ts";

/** Days of spending that are shown, today among them. */
const DAYS = 30;
const DAY_MS = 86_400_000;

export const getStats = defineRoute({
  method: "get",
  path: "/api/stats",
  summary: "How much is kept, how much waits, and what providers were paid for in the last 30 days (UTC).",
  async handle({ deps, principal }) {
    const { store, outbox, ledger } = deps.sockets;
    const since = new Date(Date.now() - (DAYS - 1) * DAY_MS);
    const [counts, depths, lines] = await Promise.all([
      store.count(principal.projectId),
      outbox.depth(),
      ledger.spend(principal.projectId, since),
    ]);
    const today = new Date().toISOString().slice(0, 10);
    return {
      status: 200,
      body: {
        memories: counts.memories,
        users: counts.users,
        messages_waiting: counts.messagesWaiting,
        backlog: depths.map(({ topic, pending, parked, oldestSeconds }) => ({
          topic,
          pending,
          parked,
          oldest_seconds: Math.round(oldestSeconds),
        })),
        spend: {
          limit_dollars_per_day: deps.config.models.dollarsPerDay ?? null,
          today: total(lines.filter((line) => line.day === today)),
          last_30_days: total(lines),
          by_model: byModel(lines),
        },
      },
    };
  },
});

/** Cents of a cent: below that it is the rounding of a sum. */
function roundDollars(dollars: number): number {
  return Math.round(dollars * 1e6) / 1e6;
}

function total(lines: readonly SpendLine[]) {
  const sum = (of: (line: SpendLine) => number): number => lines.reduce((before, line) => before + of(line), 0);
  return {
    calls: sum((line) => line.calls),
    failed: sum((line) => line.failed),
    prompt_tokens: sum((line) => line.promptTokens),
    completion_tokens: sum((line) => line.completionTokens),
    dollars: roundDollars(sum((line) => line.dollars)),
  };
}

function byModel(lines: readonly SpendLine[]) {
  const groups = Map.groupBy(lines, ({ operation, model }) => JSON.stringify([operation, model]));
  return [...groups.values()].map((group) => ({
    operation: group[0]?.operation,
    model: group[0]?.model,
    ...total(group),
  }));
}
