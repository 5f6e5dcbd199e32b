import type { Config } from "@engram/config";
import { collectionOf, toMemoryError } from "@engram/memory";
import { databaseProblem, publicTableProblem, takeOverFormerRows, type Readiness, type Sockets } from "@engram/sockets";
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
  const report = (subject: string, text: string | undefined): void => {
    if (text === undefined) readiness.clear(subject);
    else {
      const problem = publicTableProblem(text);
      readiness.report(subject, problem);
      if (told.get(subject) !== text) logger.warn({ code: problem.code, cure: problem.cure }, problem.message);
    }
    told.set(subject, text ?? "");
  };

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
      const { code, message } = toMemoryError(error);
      report(FORMER, code === "unavailable" ? message : `${databaseProblem(error).message}. It is tried again`);
    }
  };

  return {
    takeOver,
    tell: (unpublished) => report(COLLECTION, unpublished),
    async look() {
      if (sockets.chosen.vectors !== "pgvector") return;
      // Once it is done only a start or `engram migrate` looks for rows, so that what stays is not read again and again.
      if (!isTaken) await takeOver();
      const collection = collectionOf(config.vectors.collection, await sockets.targets.live());
      if (collection !== undefined) report(COLLECTION, await sockets.index.publish(collection));
    },
  };
}
