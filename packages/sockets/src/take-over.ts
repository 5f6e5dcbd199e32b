import type { Config } from "@engram/config";
import { createIndexTargets } from "@engram/postgres";
import type { Executor } from "@engram/sql";
import { chooseSockets } from "./open-sockets.ts";

/** What became of the rows of one table that a former mem0 left: counts and no content. */
export interface TakenOver {
  readonly table: string;
  readonly rows: number;
  readonly memories: number;
  /** Memories that kept their vectors. */
  readonly vectors: number;
  /** Rows that cannot be memories and stay, by why. */
  readonly left: Readonly<Record<string, number>>;
}

/**
 * Makes memories of the rows that a former mem0 left under the configured name. Nothing where there is no server PostgreSQL
 * or where vectors are kept elsewhere. The schema must stand. Throws `unavailable` with the cure where the role may not.
 */
export async function takeOverFormerRows(db: Executor, config: Config): Promise<readonly TakenOver[]> {
  const chosen = chooseSockets(config);
  if (chosen.vectors !== "pgvector" || chosen.truth !== "postgresql") return [];
  const { takeOverFormer } = await import("@engram/pgvector");
  const name = config.vectors.collection;
  const declared = await declaredModel(db, config);
  return takeOverFormer(db, { name, ...(declared === undefined ? {} : { declared }) });
}

/** The declared model, where its vectors are what the index of the configured one holds. */
async function declaredModel(
  db: Executor,
  { models, vectors }: Config,
): Promise<{ model: string; dims?: number } | undefined> {
  const model = vectors.formerModel;
  if (model === undefined || model !== models.embeddingModel || models.openaiApiKey === undefined) return undefined;
  const live = await createIndexTargets(db, { base: vectors.collection }).live();
  if (live.model !== null && live.model !== model) return undefined;
  const dims = models.embeddingDimensions ?? live.dims;
  return dims === null ? { model } : { model, dims };
}

/** One line for each thing that is to be said of a table. */
export function describeTakenOver({ table, rows, memories, vectors, left }: TakenOver): readonly string[] {
  const reasons = Object.entries(left).map(([reason, count]) => `${count} ${reason}`);
  return [
    ...(rows === 0
      ? []
      : [
          `${rows} rows of a former mem0 in ${table} are ${memories} memories now, ${vectors} with the vectors they had`,
        ]),
    ...(reasons.length === 0
      ? []
      : [`Rows of a former mem0 that cannot be memories stay in ${table}: ${reasons.join(", ")}`]),
  ];
}
