import type { Config, Problem } from "@engram/config";
import { collectionOf } from "@engram/memory";
import {
  formerRowsProblem,
  publicTableProblem,
  takeOverFormerRows,
  type Readiness,
  type Sockets,
} from "@engram/sockets";
import type { Logger } from "@engram/telemetry";

export interface PublicTableDeps {
  readonly sockets: Pick<Sockets, "db" | "targets" | "index" | "chosen">;
  readonly config: Config;
  readonly readiness: Readiness;
  readonly logger: Logger;
}

export interface PublicTable {
  /** Takes over what a former mem0 left. Never throws: what stands in the way is told, and tried again by `look`. */
  takeOver(): Promise<void>;
  /** Says, once, what keeps the live collection from its public name; undefined: nothing any more. */
  tell(unpublished: string | undefined): void;
  /** Tries again what was in the way, and follows the live collection. */
  look(): Promise<void>;
}

const FORMER = "former";
const COLLECTION = "collection";

/** The table that people read, where there is one: what it held before, and that the live collection stands there. */
export function createPublicTable({ sockets, config, readiness, logger }: PublicTableDeps): PublicTable {
  let isTaken = false;
  const told = new Map<string, string>();
  const report = (subject: string, problem: Problem | undefined): void => {
    if (problem === undefined) readiness.clear(subject);
    else {
      readiness.report(subject, problem);
      const { code, cure, message } = problem;
      if (told.get(subject) !== message) logger.warn({ code, cure }, message);
    }
    told.set(subject, problem?.message ?? "");
  };
  const tell = (unpublished: string | undefined): void =>
    report(COLLECTION, unpublished === undefined ? undefined : publicTableProblem(unpublished));

  const takeOver = async (): Promise<void> => {
    try {
      for (const { left, ...taken } of await takeOverFormerRows(sockets.db, config)) {
        if (taken.rows > 0) logger.info(taken, "Rows of a former mem0 were taken over");
        if (Object.keys(left).length > 0)
          logger.warn({ table: taken.table, left }, "Rows of a former mem0 cannot be memories and stay where they are");
      }
      isTaken = true;
      report(FORMER, undefined);
    } catch (error) {
      report(FORMER, formerRowsProblem(error, config.truth.databaseVariable));
    }
  };

  return {
    takeOver,
    tell,
    async look() {
      if (sockets.chosen.vectors !== "pgvector") return;
      // Once it is done only a start or `engram migrate` looks for rows, so that what stays is not read again and again.
      if (!isTaken) await takeOver();
      const collection = collectionOf(config.vectors.collection, await sockets.targets.live());
      if (collection !== undefined) tell(await sockets.index.publish(collection));
    },
  };
}
