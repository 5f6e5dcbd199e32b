// Asks two Engrams the same searches and tells whether they answer alike: the same memories in the same order, but for such as
// are equally good. The questions are the texts of memories, whole and in parts, of as many users as there are. Exit code
// 0: alike.
// Usage: BEFORE_KEY=... AFTER_KEY=... node scripts/compare-searches.mjs BEFORE_URL AFTER_URL [--since TIME] [--count 100]
// --since: when the backup was begun. An answer that differs by a memory which was written, changed or deleted later has moved
// on; it is counted apart.

/** @typedef {{ evidence: number }} Part */
/** @typedef {{ id: string, explain: { vector: Part | null, text: Part } }} Found */

const countDefault = 100;
const usersMax = 1_000;
const memoriesOfUserMax = 1_000;
const timeoutMs = 30_000;
/**
 * In units of one right answer. Of the two one may go through its index, the other through vectors that it holds in numbers of
 * 16 bits, whose cosines are right to a ten-thousandth; a right answer's is a tenth and more above the rest.
 */
const equallyGoodWithin = 0.01;
/** With fewer that can be compared, the drill shows nothing. */
const comparableShareMin = 0.5;

const { urls, since, count } = readArguments(process.argv.slice(2));
const [before, after] = [opened(urls[0], process.env.BEFORE_KEY), opened(urls[1], process.env.AFTER_KEY)];
await main();

async function main() {
  const questions = await chooseQuestions();
  const counts = { same: 0, moved: 0, different: 0 };
  for (const question of questions) counts[await compare(question)] += 1;
  const { same, moved, different } = counts;
  console.log(
    `${questions.length} searches: ${same} the same, ${moved} moved on since the backup, ${different} different`,
  );
  const isTelling = questions.length > 0 && same >= questions.length * comparableShareMin;
  if (!isTelling) console.log("Too few can be compared");
  process.exitCode = different === 0 && isTelling ? 0 : 1;
}

/** Of the second, since the first may hold what came later. */
async function chooseQuestions() {
  const { users } = await after("GET", `/api/users?limit=${usersMax}`);
  const perUser = await Promise.all(users.slice(0, count).map(({ user_id }) => textsOf(user_id)));
  const questions = [];
  // In turn, so that every user is asked for.
  for (let turn = 0; questions.length < count && perUser.some((texts) => turn < texts.length); turn++)
    for (const texts of perUser) if (turn < texts.length && questions.length < count) questions.push(texts[turn]);
  return questions;
}

async function textsOf(user_id) {
  const path = `/api/memories/user/${encodeURIComponent(user_id)}?limit=${Math.min(count, memoriesOfUserMax)}`;
  const { memories } = await after("GET", path);
  const contents = memories.map(({ content }) => content);
  const halves = contents.flatMap((content) => {
    const words = content.split(/\s+/);
    const middle = Math.ceil(words.length / 2);
    return words.length < 2 ? [] : [words.slice(0, middle).join(" "), words.slice(middle).join(" ")];
  });
  return [...contents, ...halves].map((query) => ({ user_id, query: query.slice(0, 1_000) }));
}

async function compare(question) {
  const body = { ...question, limit: 10, explain: true };
  const [one, other] = await Promise.all([before, after].map((ask) => ask("POST", "/api/memories/search", body)));
  if (areAlike(one, other)) return "same";
  if (since === undefined) return "different";
  const ids = (memories) => new Set(memories.map(({ id }) => id));
  const [left, right] = [ids(one.memories), ids(other.memories)];
  const apart = [...one.memories, ...other.memories].filter(({ id }) => left.has(id) !== right.has(id));
  for (const { id } of apart) if (await hasMovedOn(id)) return "moved";
  return "different";
}

/** The same memories in the same order; where another stands in a place, it is as good as the one that stands there. */
function areAlike(one, other) {
  const codes = ({ degraded = [] }) => JSON.stringify(degraded.map(({ code }) => code));
  if (codes(one) !== codes(other) || one.memories.length !== other.memories.length) return false;
  return one.memories.every((memory, at) => {
    const there = other.memories[at];
    return memory.id === there.id || (areAsGood(memory, there, one) && areAsGood(there, memory, other));
  });
}

/** By the answer in which the first stands, or that left the second out; one that it does not know of is missing there. */
function areAsGood(memory, another, { memories, explain }) {
  const dropped = explain.dropped.map(({ vector, text, id }) => ({ id, explain: { vector, text } }));
  const same = [...memories, ...dropped].find(({ id }) => id === another.id);
  return same !== undefined && Math.abs(evidenceOf(memory) - evidenceOf(same)) <= equallyGoodWithin;
}

/** Scores of much evidence are all 1; the evidence tells them apart. */
function evidenceOf({ explain: { vector, text } }) {
  return (vector?.evidence ?? 0) + text.evidence;
}

async function hasMovedOn(id) {
  const memory = await before("GET", `/api/memories/${id}`);
  return memory === undefined || new Date(memory.updated_at) >= since || new Date(memory.created_at) >= since;
}

/** Undefined for what is not there; anything else but an answer ends the run. */
function opened(url, key) {
  return async (method, path, body) => {
    const answer = await fetch(new URL(path, url), {
      method,
      headers: { "x-api-key": key ?? "", "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
}

function readArguments(args) {
  const given = { urls: [], since: undefined, count: countDefault };
  for (let i = 0; i < args.length; i++)
    if (args[i] === "--since") given.since = new Date(args[++i]);
    else if (args[i] === "--count") given.count = Number(args[++i]);
    else given.urls.push(args[i]);
  if (given.urls.length !== 2) throw new Error("Usage: compare-searches.mjs BEFORE_URL AFTER_URL [--since TIME]");
  return given;
}
