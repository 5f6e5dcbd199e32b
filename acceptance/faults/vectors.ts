import { createHash } from "node:crypto";
import { embed } from "@engram/test-equipment";
import { idOf } from "./memory-id.ts";
import { ENVIRONMENT } from "./settings.ts";
import type { Row } from "./truth.ts";

const PAGE = 500;
/** Of the cosine between the vector that stands and the one that the text has: rounding, no more. */
const COSINE_MIN = 0.999;
const EXAMPLES = 5;

interface Point {
  readonly id: string;
  readonly vector: readonly number[];
  readonly payload: Readonly<Record<string, unknown>>;
}

/** How many differ, and the first few of them. */
export interface Differences {
  readonly points: number;
  readonly missing: readonly string[];
  readonly stale: readonly string[];
  readonly orphans: readonly string[];
}

/** All points of the live collection, asked of Qdrant itself. */
export async function readPoints(url: string, alias: string): Promise<readonly Point[]> {
  const points: Point[] = [];
  let offset: unknown = undefined;
  do {
    const answer = await fetch(`${url}/collections/${alias}/points/scroll`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ limit: PAGE, with_payload: true, with_vector: true, offset }),
    });
    if (!answer.ok) throw new Error(`Qdrant: ${answer.status} ${await answer.text()}`);
    const { result } = (await answer.json()) as { result: { points: Point[]; next_page_offset: unknown } };
    points.push(...result.points);
    offset = result.next_page_offset;
  } while (offset !== null && offset !== undefined);
  return points;
}

/** Rows against points: each row one point of the same version, hash, state and text, and no point more. */
export function compare(rows: readonly Row[], points: readonly Point[]): Differences {
  const byId = new Map(points.map((point) => [point.id, point]));
  const known = new Set(rows.map((row) => row.id));
  return {
    points: points.length,
    missing: rows.filter((row) => !byId.has(row.id)).map((row) => idOf(row.id)),
    stale: rows.flatMap((row) => {
      const point = byId.get(row.id);
      return point === undefined || isOf(point, row) ? [] : [`${idOf(row.id)}@${row.version}: ${describe(point)}`];
    }),
    orphans: points.filter((point) => !known.has(point.id)).map((point) => `${idOf(point.id)}: ${describe(point)}`),
  };
}

/** The first few, for a message. */
export function examples(found: readonly string[]): string {
  return `${found.length}${found.length === 0 ? "" : `: ${found.slice(0, EXAMPLES).join("; ")}`}`;
}

function isOf({ payload, vector }: Point, row: Row): boolean {
  return (
    payload["version"] === row.version &&
    payload["h"] === createHash("sha256").update(row.content).digest("hex").slice(0, 16) &&
    (payload["valid_to"] !== undefined) === row.is_retired &&
    cosine(vector, embed(row.content, Number(ENVIRONMENT.EMBEDDING_DIMENSIONS))) > COSINE_MIN
  );
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}

function describe({ payload }: Point): string {
  return JSON.stringify({ version: payload["version"], h: payload["h"], valid_to: payload["valid_to"] });
}
