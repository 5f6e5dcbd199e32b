/**
 * `npm run bench:recall -- --data FOLDER`: is the evidence of a question among the first k that a search gives? On PGlite,
 * on PostgreSQL with pgvector and on PostgreSQL with Qdrant, over their REST API; beside them the embedder's cosines alone,
 * memories without session ids, and searches with the vector store away. Exits with 1 when a goal is missed.
 *
 * The data is LoCoMo's (CC BY-NC, not ours to ship): `locomo-dev-turns.jsonl` and `locomo-dev-facts.jsonl` in FOLDER. The
 * embedder is any OpenAI-compatible address; the goals are those of all-MiniLM-L6-v2. No language model takes part, so the
 * figures repeat exactly.
 *
 * Options: --data FOLDER --embeddings http://127.0.0.1:8377/v1 --model all-MiniLM-L6-v2 --only pglite,pgvector,qdrant
 */
import { parseArgs } from "node:util";
import { createTestDatabase, startOwnQdrant, startPostgres } from "@engram/test-equipment";
import { startService } from "./processes.ts";
import { rankDense } from "./recall/dense.ts";
import { ask, load, type LoadOptions } from "./recall/installation.ts";
import { scoreAll, type Result } from "./recall/score.ts";
import { CATEGORIES, readYardstick, type Dialogue, type Form } from "./recall/yardstick.ts";
import { markdownTable } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    embeddings: { type: "string", default: "http://127.0.0.1:8377/v1" },
    model: { type: "string", default: "all-MiniLM-L6-v2" },
    only: { type: "string", default: "pglite,pgvector,qdrant" },
  },
});
if (values.data === undefined)
  throw new Error("--data FOLDER: where locomo-dev-turns.jsonl and locomo-dev-facts.jsonl are");
const yardstick: Readonly<Record<Form, readonly Dialogue[]>> = {
  turns: readYardstick(values.data, "turns"),
  facts: readYardstick(values.data, "facts"),
};

const GOALS = { turns: 80, facts: 82, ndcgTurns: 62, withoutSessions: 70, withoutVectors: 73, installationsApart: 1 };
/** Kinds of user ids, so that all forms live in one store. */
const FORMS = {
  turns: { form: "turns", suffix: "", sessions: true },
  facts: { form: "facts", suffix: "-facts", sessions: true },
  "turns, no sessions": { form: "turns", suffix: "-alone", sessions: false },
} as const satisfies Record<string, LoadOptions & { form: Form }>;

const results = new Map<string, Result>();
const faults: string[] = [];
const env = {
  OPENAI_BASE_URL: values.embeddings,
  OPENAI_API_KEY: "sk-bench",
  EMBEDDING_MODEL: values.model,
  // A slow provider is not what is measured.
  SEARCH_DEADLINE_MS: "30000",
};

for (const form of ["turns", "facts"] as const)
  keep(`dense alone: ${form}`, form, await rankDense(values.embeddings, values.model, yardstick[form]));
const installations = values.only.split(",");
if (installations.includes("pglite")) await measure("PGlite", (await startService("all-in-one", env)).url);
const postgres = await startPostgres();
if (installations.includes("pgvector")) {
  const { url } = await createTestDatabase(postgres.url);
  await measure("pgvector", (await startService("all-in-one", { ...env, DATABASE_URL: url })).url);
}
if (installations.includes("qdrant")) {
  const qdrant = await startOwnQdrant();
  const { url } = await createTestDatabase(postgres.url);
  const service = await startService("all-in-one", { ...env, DATABASE_URL: url, QDRANT_URL: qdrant.url });
  const loaded = await measure("Qdrant stand-in", service.url);
  await qdrant.stop();
  const { ranked } = await ask(service.url, yardstick.turns, loaded);
  keep("Qdrant stand-in away: turns", "turns", ranked);
}
report();
process.exit(faults.length === 0 ? 0 : 1);

/** Loads and asks every form; gives what was loaded of the turns. */
async function measure(name: string, url: string) {
  const loadings = new Map<string, Awaited<ReturnType<typeof load>>>();
  for (const [kind, options] of Object.entries(FORMS))
    loadings.set(kind, await load(url, yardstick[options.form], options));
  for (const [kind, { form }] of Object.entries(FORMS)) {
    const loaded = loadings.get(kind);
    if (loaded === undefined) continue;
    const { ranked, degraded } = await ask(url, yardstick[form], loaded);
    if (degraded > 0) faults.push(`${name}, ${kind}: ${degraded} answers were degraded`);
    keep(`${name}: ${kind}`, form, ranked);
  }
  const turns = loadings.get("turns");
  if (turns === undefined) throw new Error("turns were not loaded");
  return turns;
}

function keep(name: string, form: Form, ranked: ReadonlyMap<string, readonly string[]>): void {
  const questions = yardstick[form].flatMap((dialogue) => dialogue.questions);
  results.set(name, scoreAll(questions, ranked));
  console.error(`${name}: recall@10 ${results.get(name)?.overall.recall10.toFixed(1)}`);
}

function judge(): void {
  const expectAtLeast = (what: string, value: number, goal: number): void => {
    if (value < goal) faults.push(`${what}: ${value.toFixed(1)}, wanted ${goal.toFixed(1)}`);
  };
  for (const [name, result] of results) {
    const [, kind = ""] = name.split(": ");
    if (name.startsWith("dense")) continue;
    const { recall10, ndcg10 } = result.overall;
    if (name.includes("away")) {
      expectAtLeast(`${name}, recall@10`, recall10, GOALS.withoutVectors);
      continue;
    }
    if (kind === "turns, no sessions") expectAtLeast(`${name}, recall@10`, recall10, GOALS.withoutSessions);
    if (kind === "facts") expectAtLeast(`${name}, recall@10`, recall10, GOALS.facts);
    if (kind === "turns") {
      expectAtLeast(`${name}, recall@10`, recall10, GOALS.turns);
      expectAtLeast(`${name}, nDCG@10`, ndcg10, GOALS.ndcgTurns);
    }
    const dense = results.get(`dense alone: ${kind.startsWith("turns") ? "turns" : "facts"}`);
    for (const category of CATEGORIES)
      expectAtLeast(
        `${name}, ${category} against dense alone`,
        result.byCategory[category].recall10,
        dense?.byCategory[category].recall10 ?? 0,
      );
  }
  for (const kind of Object.keys(FORMS)) {
    const all = [...results].filter(([name]) => name.endsWith(`: ${kind}`) && !/^dense|away/.test(name));
    const recalls = all.map(([, { overall }]) => overall.recall10);
    if (Math.max(...recalls) - Math.min(...recalls) > GOALS.installationsApart)
      faults.push(`${kind}: the installations lie further apart than ${GOALS.installationsApart} point`);
  }
}

function report(): void {
  judge();
  const figure = (value: number): number => Math.round(value * 10) / 10;
  console.log(
    markdownTable(
      [
        "what",
        "questions",
        "recall@5",
        "@10",
        "@20",
        "MRR",
        "nDCG@10",
        ...CATEGORIES.map((category) => `${category} @10`),
      ],
      [...results].map(([name, { overall, byCategory }]) => [
        name,
        overall.questions,
        ...[overall.recall5, overall.recall10, overall.recall20, overall.mrr, overall.ndcg10].map(figure),
        ...CATEGORIES.map((category) => figure(byCategory[category].recall10)),
      ]),
    ),
  );
  for (const fault of faults) console.log(`MISSED: ${fault}`);
}
