import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { openPGlite } from "@engram/pglite";
import type { Executor } from "@engram/sql";

const FOLDER = new URL("../migrations/", import.meta.url);
const NAME = "0049-words-lost.sql";

describe(`${NAME} over a store that stands`, () => {
  let db: Executor;
  const run = async (name: string) => db.script(await readFile(new URL(name, FOLDER), "utf8"));
  beforeAll(async () => {
    db = await openPGlite();
    const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".sql")).toSorted();
    for (const name of names.slice(0, names.indexOf(NAME))) await run(name);
    await db.script(`INSERT INTO public.memories (user_id, content, request_id) VALUES ('u', 'тег <marquee>', 'r'), ('u', 'чай', 'r');
      INSERT INTO engram.messages (id, project_id, owner, event_id, role, content, said_at, text_hash, sameness, due_at)
      SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'user', c, now(), gen_random_uuid(), gen_random_uuid(), now()
      FROM unnest(ARRAY['AT&T', 'чай']) c`);
  }, 60_000);
  afterAll(() => db.close());

  const find = async (table: string, word: string) =>
    (await db.query(`SELECT content FROM ${table} WHERE search @@ $1::tsquery`, [`'${word}'`])).map(
      (row) => row["content"],
    );
  const state = () =>
    db.query<{ content: string; written: string }>(
      `SELECT m.content, m.version, m.updated_at, m.request_id, o.gen, m.xmin::text AS written, (SELECT count(*)::int FROM engram.history) AS history
       FROM public.memories m JOIN engram.outbox o ON o.key = m.id ORDER BY m.content`,
    );

  test("makes the words of what differs anew, and tells nobody", async () => {
    expect([await find("public.memories", "marque"), await find("engram.messages", "at&t")]).toEqual([[], []]);
    const before = await state();
    await run(NAME);
    expect(await find("public.memories", "marque")).toEqual(["тег <marquee>"]);
    expect(await find("engram.messages", "at&t")).toEqual(["AT&T"]);
    const after = await state();
    const told = (rows: typeof before) => rows.map(({ written: _, ...row }) => row);
    expect(told(after)).toEqual(told(before));
    // What has the same words is not written.
    expect(after.map(({ written }, at) => written === before[at]?.written)).toEqual([false, true]);
  });

  test("leaves the triggers as they were", async () => {
    await db.script("UPDATE public.memories SET content = 'кофе' WHERE content = 'чай'");
    expect(await state()).toMatchObject([{ content: "кофе", gen: 2, history: 1 }, { gen: 1 }]);
  });
});
