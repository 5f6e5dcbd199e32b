import { EXTRACT_TOPIC, formatMemoryId, formatWorkId } from "@engram/memory";
import { z } from "zod";
import { fields, LIMIT_DEFAULT, parse } from "../fields.ts";
import { jobId } from "../job-id.ts";
import { withWarnings } from "../memory-json.ts";
import { defineRoute } from "../route.ts";

const query = z.object({
  limit: fields.limit.optional(),
  cursor: fields.cursor.optional(),
});

export const listJobs = defineRoute({
  method: "get",
  path: "/api/jobs",
  summary: "The backlog of each topic, and parked work with its reason, page by page.",
  query,
  async handle({ deps, req }) {
    const { input, warnings } = parse(query, req.query);
    const limit = input.limit ?? LIMIT_DEFAULT;
    const after = input.cursor === undefined ? {} : { after: jobId(input.cursor, "cursor") };
    const [topics, found] = await Promise.all([
      deps.sockets.outbox.depth(),
      deps.sockets.parked.list({ limit: limit + 1, ...after }),
    ]);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      status: 200,
      body: {
        topics: topics.map((one) => ({
          topic: one.topic,
          pending: one.pending,
          parked: one.parked,
          oldest_seconds: one.oldestSeconds,
        })),
        jobs: page.map((job) => ({
          id: formatWorkId(job),
          topic: job.topic,
          // The key of talk is its owner.
          memory_id: job.topic === EXTRACT_TOPIC ? null : formatMemoryId(job.key),
          error: job.error,
          attempts: job.attempts,
          request_id: job.requestId,
          created_at: job.createdAt,
          parked_at: job.parkedAt,
        })),
        total: topics.reduce((sum, one) => sum + one.parked, 0),
        next_cursor: found.length > limit && last !== undefined ? formatWorkId(last) : null,
        ...withWarnings(warnings),
      },
    };
  },
});
