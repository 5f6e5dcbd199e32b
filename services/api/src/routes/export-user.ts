import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { EXPORT_FORMATS, exportDocument } from "../export-document.ts";
import { parse } from "../fields.ts";
import { personOf, refuseUnknown } from "../person.ts";
import { defineRoute } from "../route.ts";

const query = z.object({
  format: z.enum(EXPORT_FORMATS).optional().meta({ description: "`json` (one document) or `ndjson` (lines)." }),
});

const TYPES = { json: "application/json", ndjson: "application/x-ndjson" } as const;

export const exportUser = defineRoute({
  method: "get",
  path: "/api/users/:user_id/export",
  summary: "Everything that is kept on a person, streamed; a document without `complete` at its end is not whole.",
  query,
  async handle(context) {
    const { deps, req, res } = context;
    const { input, warnings } = parse(query, req.query);
    refuseUnknown(warnings, "An export has no filters");
    const format = input.format ?? "json";
    const person = personOf(context);
    const exportedAt = new Date();
    const document = exportDocument(deps.sockets.users, person, { format, exportedAt });
    // Before the headers: a database that is away is still an error like any other.
    const first = await document.next();
    res.attachment(`engram-export-${exportedAt.toISOString().slice(0, 10)}.${format}`).type(TYPES[format]);
    if (req.method === "HEAD") {
      await document.return(undefined);
      res.end();
      return undefined;
    }
    try {
      await pipeline(Readable.from(continued(first, document)), res);
    } catch (error) {
      // The client went away: nothing is wrong, and the reading has ended with it.
      if (!(error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE")) throw error;
    }
    return undefined;
  },
});

async function* continued(
  first: IteratorResult<string, unknown>,
  rest: AsyncGenerator<string>,
): AsyncGenerator<string> {
  if (first.done !== true) yield first.value;
  yield* rest;
}
