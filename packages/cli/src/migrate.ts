import { migrate } from "@engram/postgres";
import { databaseProblem } from "@engram/sockets";
import { withTruth } from "./with-truth.ts";

/** `engram migrate`: says what it ran; again: nothing. */
export function runMigrations(): Promise<void> {
  return withTruth(async (db, { truth, search }) => {
    try {
      const ran = await migrate(db, { searchLanguages: search.languages });
      console.log(ran.length === 0 ? "The schema is up to date" : ran.map((name) => `Ran ${name}`).join("\n"));
    } catch (error) {
      const { message, cure } = databaseProblem(error, truth.databaseVariable);
      console.error(`${message}\n  → ${cure}`);
      process.exitCode = 1;
    }
  });
}
