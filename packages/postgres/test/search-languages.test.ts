import { beforeAll, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, lexicalScores, textQueryOf } from "@engram/memory";
import { createMemoryStore, migrate } from "../src/index.ts";
import { plainHits } from "../../memory/test/text-hits.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const scope = { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false };
const DEFAULT = ["russian", "english"];

describeOnDatabases("search languages", (db) => {
  // A question's lexemes are remembered by its database, as a process that has just started remembers none.
  const store = () => createMemoryStore({ ...db });
  const find = async (query: string): Promise<readonly string[]> => {
    const { hits } = plainHits(await store().searchText(textQueryOf(query, new Date()), { scope }, 10));
    const rows = await store().findMemories(
      hits.map((hit) => hit.id),
      { scope },
    );
    return rows.map((row) => row.content).toSorted();
  };
  beforeAll(async () => {
    const contents = [
      "Wohnt in einem kleinen Haus",
      "Живёт в большой квартире",
      "Likes running shoes",
      "Aime les chevaux",
    ];
    await store().putMemories(contents.map((content) => draft({ userId: "u", content })));
  });

  test("are Russian and English, and to name these changes nothing", async () => {
    expect(await migrate(db, { searchLanguages: ["english", "russian"] })).toEqual([]);
    expect(await migrate(db, { searchLanguages: DEFAULT })).toEqual([]);
    expect(await find("квартиры")).toEqual(["Живёт в большой квартире"]);
    expect(await find("run")).toEqual(["Likes running shoes"]);
    expect(await find("Häuser")).toEqual([]);
  });

  test("can be others too: what is stored already is found by its forms, each word counted once", async () => {
    expect(await migrate(db, { searchLanguages: ["german", "russian", "english"] })).toEqual([
      "search languages: german, russian, english",
    ]);
    expect(await migrate(db, { searchLanguages: ["russian", "german", "english"] })).toEqual([]);
    expect(await find("Häuser")).toEqual(["Wohnt in einem kleinen Haus"]);
    expect(await find("квартиры")).toEqual(["Живёт в большой квартире"]);
    expect(await find("run")).toEqual(["Likes running shoes"]);
    expect(await migrate(db)).toEqual([]);
    const text = await store().searchText(textQueryOf("kleine Häuser", new Date()), { scope }, 10);
    expect(text.terms.filter((term) => term.lexemes.length > 1)).toHaveLength(1);
    expect([...lexicalScores(text).values()][0]).toBeCloseTo(0.45, 1);
    expect(plainHits(text).hits[0]?.frequencies["haus"]).toBe(1);
  });

  test("new rows follow, messages too, and one language alone is enough", async () => {
    await migrate(db, { searchLanguages: ["french"] });
    await store().putMemories([draft({ userId: "u", content: "Le cheval est parti" })]);
    expect(await find("chevaux")).toEqual(["Aime les chevaux", "Le cheval est parti"]);
    await db.query("SELECT search FROM engram.messages");
  });

  test("that the database does not know are refused by their name, and nothing changes", async () => {
    await expect(migrate(db, { searchLanguages: ["klingon"] })).rejects.toThrow(
      /SEARCH_LANGUAGES: the database has no klingon; it has .*german/,
    );
    await expect(migrate(db, { searchLanguages: ["x'y"] })).rejects.toThrow(/x'y is no language/);
    expect(await find("chevaux")).toEqual(["Aime les chevaux", "Le cheval est parti"]);
  });
});
