/**
 * The recall of the vectors' part of a search, by what a stranger can see: its ranks and cosines in `explain`, held against
 * an exact scan of the vectors that the store gives out. What is asked is the text of some stored memory, mostly another user's, so the vector of
 * the question is one that the store has, and nothing has to be known of the embedder.
 */
import type { Connection } from "./connection.ts";
import { recallAt, scan } from "./exact-scan.ts";
import { toUuid } from "./memory-id.ts";
import type { Owned } from "./search-target.ts";
import type { StoredVectors } from "./search-vectors.ts";

const K = 10;
/** Questions about one user, whose vectors are read once; more where there are too few users. */
const PER_USER = 10;
/** What the vectors found is told of what is in the answer; up to 100, as many candidates are taken as by default. */
const LIMIT = 100;
/** A search that met its deadline on a machine that is busy is asked again, so often. */
const TRIES_MAX = 5;
/** `explain` tells four decimals. */
const COSINE_DIGIT = 1e-4;

export interface Recall {
  readonly name: string;
  readonly questions: number;
  readonly vectorsPerUser: number;
  /** At 10: the mean, and the lowest of any question. */
  readonly mean: number;
  readonly lowest: number;
  /** Further questions, left out because the answer, which is of words too, does not show all of the ten that the vectors found. */
  readonly hidden?: number;
  readonly inGraph: number;
}

/** A memory that the store has. */
export interface Stored extends Owned {
  /** As in the store. */
  readonly id: string;
}

interface Side {
  readonly line: Connection;
  readonly stored: StoredVectors;
}

/** Of the installation, and of the store's own query where it has one. Throws where cosines are not those of the store's vectors. */
export async function measureRecall(
  { name, storeName }: { readonly name: string; readonly storeName: string },
  { line, stored, memories }: Side & { readonly memories: readonly Stored[] },
  { questions, random }: { readonly questions: number; readonly random: () => number },
): Promise<readonly Recall[]> {
  const users = [...new Set(memories.map(({ userId }) => userId))].slice(0, Math.ceil(questions / PER_USER));
  const [ofService, ofStore]: [number[], number[]] = [[], []];
  let [hidden, vectorsPerUser] = [0, 0];
  for (const userId of users) {
    const vectors = await stored.ofUser(userId);
    vectorsPerUser = Math.max(vectorsPerUser, vectors.size);
    for (let asked = 0; asked < questions / users.length; asked++) {
      const question = memories[Math.floor(random() * memories.length)];
      if (question === undefined) throw new Error("nothing to ask");
      const vector = await stored.ofMemory(question.id);
      const cosines = scan(vector, vectors);
      const found = await askForRanks(line, userId, question.content);
      for (const { id, cosine } of found.ranked)
        if (!(Math.abs((cosines.get(id) ?? Number.NaN) - cosine) <= COSINE_DIGIT))
          throw new Error(`${name}: a cosine of ${cosine} where the store's vectors have ${cosines.get(id)}`);
      const ids = found.ranked.filter(({ rank }) => rank <= K).map(({ id }) => id);
      if (ids.length < Math.min(K, found.candidates)) hidden += 1;
      else ofService.push(recallAt(K, cosines, ids));
      if (stored.nearest !== undefined) ofStore.push(recallAt(K, cosines, await stored.nearest(userId, vector, K)));
    }
  }
  const inGraph = await stored.inGraph();
  const summary = (of: readonly number[]) => ({
    questions: of.length,
    vectorsPerUser,
    mean: of.reduce((sum, one) => sum + one, 0) / of.length,
    lowest: Math.min(...of),
    inGraph,
  });
  return [
    { name, ...summary(ofService), hidden },
    ...(stored.nearest === undefined ? [] : [{ name: storeName, ...summary(ofStore) }]),
  ];
}

interface Ranked {
  readonly id: string;
  readonly rank: number;
  readonly cosine: number;
}

interface Explained {
  readonly id: string;
  readonly vector: { readonly rank: number | null; readonly cosine: number | null } | null;
}

/** What the vectors found of a user for a text: how many in all, and what the answer shows of them, by their ranks. */
async function askForRanks(
  line: Connection,
  userId: string,
  query: string,
): Promise<{ readonly candidates: number; readonly ranked: readonly Ranked[] }> {
  const body = JSON.stringify({ user_id: userId, query, limit: LIMIT, explain: true });
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const answer = await line.ask({ method: "POST", path: "/api/memories/search", body });
    if (answer.status !== 200) throw new Error(`search: ${answer.status} ${answer.body.toString("utf8")}`);
    const { memories, explain } = JSON.parse(answer.body.toString("utf8")) as {
      memories: { id: string; explain: Omit<Explained, "id"> }[];
      explain: { candidates: { vectors: number | null }; dropped: Explained[] };
    };
    if (explain.candidates.vectors === null) continue;
    const ranked = [...memories.map((one) => ({ id: one.id, ...one.explain })), ...explain.dropped]
      .flatMap(({ id, vector }) => {
        if (vector === null || vector.rank === null || vector.cosine === null) return [];
        return [{ id: toUuid(id), rank: vector.rank, cosine: vector.cosine }];
      })
      .toSorted((one, other) => one.rank - other.rank);
    return { candidates: explain.candidates.vectors, ranked };
  }
  throw new Error(`search: no vectors in ${TRIES_MAX} tries`);
}
