import {
  contentHash,
  tenantOf,
  type Conditioned,
  type IndexableMemory,
  type IndexPointWithVector,
  type Vector,
} from "@engram/memory";
import type { Executor } from "@engram/sql";
import type { Installation } from "./installations.ts";
import { TOPICS, VOCABULARY, vectorNear, type Topic } from "./meaning.ts";
import { pick, type Random } from "./random.ts";
import { readRows } from "./rows.ts";

/** How a point may be wrong; each as often as the others. */
export const SPOILS = [
  /** Its row was deleted. */
  "orphaned",
  /** Its row has moved on: another text, another meaning. */
  "stale",
  /** Its row went back in time, as after a restore. */
  "ahead",
  /** Of another user, agent or project, under the payload of the victim. */
  "foreign",
  /** Of the right owner and version, under another type, level, session, agent, key and time. */
  "mislabelled",
  /** Its row was retired or has expired, and it does not say so. */
  "revived",
] as const;
type Spoil = (typeof SPOILS)[number];

/** Whose searches three of four wrong points lie in wait for, more than a pool takes, right in the middle of this topic. */
export const VICTIM_TOPIC: Topic = TOPICS[0] ?? { word: "", middle: [] };

/** What the index has, beside the rows as the database has them. */
export interface World {
  readonly rows: readonly Conditioned[];
  /** Ids of the rows whose point is as it should be in all that the index keeps: they are to be found. */
  readonly sound: ReadonlySet<string>;
  /** Ids of the rows whose point is of their version, whatever else it says: they may be found by it, and others may not. */
  readonly current: ReadonlySet<string>;
  readonly spoiled: Readonly<Record<Spoil, number>>;
  readonly points: number;
}

/** Gives every row its point, then spoils `share` of all points. */
export async function plantAndSpoil(
  installation: Installation,
  random: Random,
  { share, victim }: { share: number; victim: (row: Conditioned) => boolean },
): Promise<World> {
  const { db, keeps } = installation;
  const before = await readRows(db);
  await plantAll(
    installation,
    before.map((row) => pointOf(payloadOf(row), vectorNear(random, pick(random, TOPICS)))),
  );

  const doomed = shuffled(random, before).slice(0, Math.round(before.length * share));
  const spoiled = doomed.map((row, at) => ({ row, spoil: SPOILS[at % SPOILS.length] ?? "orphaned" }));
  const idsOf = (...kinds: Spoil[]) => spoiled.filter((one) => kinds.includes(one.spoil)).map((one) => one.row.id);
  await changeRows(db, random, idsOf);

  const rows = await readRows(db);
  const standing = new Map(rows.map((row) => [row.id, row]));
  const masks = { victims: before.filter(victim), all: before };
  const lies = spoiled.map(({ row, spoil }, at) => {
    const hides = Math.floor(at / SPOILS.length) % 4 !== 0;
    const vector = hides ? VICTIM_TOPIC.middle : vectorNear(random, pick(random, TOPICS));
    const version = VERSIONED[spoil]?.(row) ?? standing.get(row.id)?.version ?? 0;
    const payload = { ...payloadOf(maskFor(random, masks, { row, spoil, hides })), id: row.id, content: row.content };
    return pointOf({ ...payload, version, expiresAt: null, validTo: null }, vector);
  });
  await plantAll(installation, lies);
  // What a worker that is done believes: nothing tells the search to be careful.
  await db.script("TRUNCATE engram.outbox");

  const idsBut = (...kinds: readonly Spoil[]): ReadonlySet<string> => {
    const without = new Set(idsOf(...kinds));
    return new Set(rows.filter(({ id }) => !without.has(id)).map(({ id }) => id));
  };
  const current = idsBut("orphaned", "stale", "ahead");
  return {
    rows,
    current,
    sound: keeps === "payload" ? idsBut(...SPOILS) : idsBut("orphaned", "stale", "ahead", "foreign"),
    spoiled: Object.fromEntries(SPOILS.map((spoil) => [spoil, idsOf(spoil).length])) as Record<Spoil, number>,
    points: before.length,
  };
}

/** What happens to the rows of spoiled points, behind the index's back. */
async function changeRows(
  db: Executor,
  random: Random,
  idsOf: (...kinds: Spoil[]) => readonly string[],
): Promise<void> {
  await db.query("DELETE FROM public.memories WHERE id = ANY($1::uuid[])", [idsOf("orphaned")]);
  await db.query("UPDATE public.memories SET content = content || ' ' || $2 WHERE id = ANY($1::uuid[])", [
    idsOf("stale"),
    pick(random, VOCABULARY),
  ]);
  const revived = idsOf("revived");
  await db.query("UPDATE public.memories SET valid_to = created_at + interval '1 day' WHERE id = ANY($1::uuid[])", [
    revived.slice(0, revived.length / 2),
  ]);
  await db.query("UPDATE public.memories SET expires_at = now() - interval '1 day' WHERE id = ANY($1::uuid[])", [
    revived.slice(revived.length / 2),
  ]);
}

/** Versions that are not the row's; a point of any other kind has its row's own. */
const VERSIONED: Partial<Record<Spoil, (row: Conditioned) => number>> = {
  orphaned: ({ version }) => version,
  stale: ({ version }) => version,
  ahead: ({ version }) => version + AHEAD,
};
const AHEAD = 1_000_000;

/** Whose payload a wrong point carries. */
function maskFor(
  random: Random,
  { victims, all }: { victims: readonly Conditioned[]; all: readonly Conditioned[] },
  { row, spoil, hides }: { row: Conditioned; spoil: Spoil; hides: boolean },
): Conditioned {
  if (spoil === "revived") return row;
  if (spoil === "mislabelled") {
    const { level, type, key, sessionIds, agentIds, createdAt } = pick(random, all);
    // Still its owner's.
    return { ...row, level, type, key, sessionIds, agentIds, createdAt };
  }
  if (spoil === "foreign") {
    const others = (hides ? victims : all).filter((one) => tenantOf(one) !== tenantOf(row));
    return pick(random, others.length > 0 ? others : all);
  }
  return hides ? pick(random, victims) : row;
}

function payloadOf(row: Conditioned): IndexableMemory {
  return { ...row, tenant: tenantOf(row) };
}

function pointOf(memory: IndexableMemory, vector: Vector): IndexPointWithVector {
  return { memory, hash: contentHash(memory.content), vector };
}

function shuffled<T>(random: Random, list: readonly T[]): readonly T[] {
  return list
    .map((one) => ({ one, at: random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ one }) => one);
}

const CHUNK = 256;

async function plantAll(installation: Installation, points: readonly IndexPointWithVector[]): Promise<void> {
  for (let from = 0; from < points.length; from += CHUNK) await installation.plant(points.slice(from, from + CHUNK));
}
