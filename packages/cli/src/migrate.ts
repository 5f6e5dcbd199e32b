import { toMemoryError } from "@engram/memory";
import { migrate } from "@engram/postgres";
import { databaseProblem, describeTakenOver, takeOverFormerRows } from "@engram/sockets";
import { withTruth } from "./with-truth.ts";

/** `engram migrate`: the schema, then the rows of a former mem0. Says what it did; again: nothing. */
export function runMigrations(): Promise<void> {
  return withTruth(async (db, config) => {
    try {
      const ran = await migrate(db, { searchLanguages: config.search.languages });
      console.log(ran.length === 0 ? "The schema is up to date" : ran.map((name) => `Ran ${name}`).join("\n"));
    } catch (error) {
      const { message, cure } = databaseProblem(error, config.truth.databaseVariable);
      console.error(`${message}\n  → ${cure}`);
      process.exitCode = 1;
      return;
    }
    try {
      for (const taken of await takeOverFormerRows(db, config))
        for (const line of describeTakenOver(taken)) console.log(line);
    } catch (error) {
      const { code, message } = toMemoryError(error);
      // The schema stands all the same, and whoever waits for it may start.
      if (code !== "unavailable") throw error;
      console.error(message);
    }
  });
}
