import { beforeEach, describe, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, lexicalScores, TEXT_OF_RIGHT, textQueryOf, type MemoryFilter } from "@engram/memory";
import { createMemoryStore } from "../src/index.ts";
import { plainHits, toTextHits } from "../../memory/test/text-hits.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const NOW = new Date("2026-11-25T12:00:00Z");
const POOL = 300;
const scope = { projectId: DEFAULT_PROJECT_ID, userId: "u", exact: false };

describeOnDatabases("words", (db) => {
  const store = createMemoryStore(db);
  beforeEach(() => db.script("TRUNCATE public.memories"));

  const put = async (...drafts: Parameters<typeof draft>[0][]) => {
    const ids: string[] = [];
    for (const one of drafts)
      for (const { memory } of await store.putMemories([draft({ userId: "u", ...one })])) ids.push(memory.id);
    return ids;
  };
  const ask = async (query: string, filter: MemoryFilter = { scope }) =>
    plainHits(await store.searchText(textQueryOf(query, NOW), filter, POOL));
  const found = async (query: string): Promise<readonly string[]> => {
    const ids = (await ask(query)).hits.map((hit) => hit.id);
    const rows = await store.findMemories(ids, { scope });
    return rows.map((row) => row.content).toSorted();
  };

  test("rows that share a word, with the statistics of what the caller sees", async () => {
    const [id] = await put(
      { content: "Пользователь предпочитает уведомления и notification settings по-тёмному" },
      { content: "Совсем о другом" },
      { content: "Уведомления", userId: "other" },
    );
    const hits = await ask("уведомлениями notifications");
    expect(hits).toMatchObject({ documents: 2, hits: [{ id }] });
    expect(hits.terms).toEqual([
      { lexemes: ["notif"], isDay: false },
      { lexemes: ["уведомлен"], isDay: false },
    ]);
    expect(hits.documentFrequencies).toEqual(new Map(Object.entries({ notif: 1, уведомлен: 1 })));
    expect(hits.hits[0]?.frequencies).toEqual({ notif: 1, уведомлен: 1 });
    expect((await ask("и по the")).hits).toEqual([]);
  });

  test("what is folded: Cyrillic capitals and ё, accents, signs and separators; no other character", async () => {
    const cyrillic = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯІЇЄҐЎ";
    const accents =
      "ÀÁÂÃÄÅĀĂĄÇĆČĎÈÉÊËĒĖĘĚĞÌÍÎÏĪĮÑŃŇÒÓÔÕÖŌŐŘŚŞŠŤÙÚÛÜŪŮŰÝŹŻŽàáâãäåāăąçćčďèéêëēėęěğìíîïīįñńňòóôõöōőřśşšťùúûüūůűýÿźżž";
    const separators = "«»„“”‘—–…№•·،。、，！？：；（）「」-_/.:@#+=*|\\<>&™→₽°\u00a0";
    const kept = "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґўabcXYZ0189 ,;!?()'\"中日ไΣσ";
    const folded = async (characters: string) => {
      const [row] = await db.query<{ folded: string }>("SELECT engram.search_fold($1) AS folded", [characters]);
      return row?.folded;
    };
    expect(await folded(cyrillic)).toBe(cyrillic.toLowerCase());
    expect(await folded("Ёё")).toBe("ее");
    expect(await folded(accents)).toBe(accents.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase());
    expect(await folded("ĐđØøŁłıİ")).toBe("ddoollii");
    expect(await folded(separators)).toBe(" ".repeat(separators.length));
    expect(await folded("user’s co\u00adop\u200berative")).toBe("user's cooperative");
    expect(await folded("Ａｐｐｌｅ ﾃｽﾗ ｱﾊﾟｰﾄ м² ﬁn e\u0301")).toBe("Apple テスラ アパート м2 fin e");
    expect(await folded(kept)).toBe(kept);
    expect(await folded(`${kept}Ж${accents}—`)).toBe(`${kept}ж${(await folded(accents)) ?? ""} `);
  });

  describe("languages", () => {
    test.each([
      ["Жену зовут «МАРИНА» — врач", "марина"],
      ["Жену зовут «МАРИНА» — врач", "Как зовут жену?"],
      ["Ёлка стоит в углу", "ёлки"],
      ["Любит José и Zoë", "jose zoe"],
      ["Deploy через GitHub Actions", "деплой deploys"],
      ["Заказ INV-2024-0093 вернули", "inv-2024-0093"],
      ["Заказ INV-2024-0093 вернули", "0093"],
      ["Пишет на C++ и Node.js", "c++"],
      ["Почта a.petrov@example.com", "a.petrov@example.com"],
      ["Телефон +7 921 123-45-67", "123-45-67"],
      ["Сервер 10.0.0.12 в eu-west-1", "10.0.0.12"],
      ["彼は東京に住んでいます", "東京"],
      ["彼は東京に住んでいます", "東京に住んで"],
      ["用户喜欢喝绿茶和咖啡", "绿茶"],
      ["用户喜欢喝绿茶和咖啡", "茶"],
      ["서울에서 살고 있다", "서울"],
      ["ผู้ใช้ชอบกาแฟ", "กาแฟ"],
      ["Верстал тег <marquee> на главной", "marquee"],
      ["Функция вернула Vec<String> целиком", "String"],
      ["Выход, если a<b and threshold c>d", "threshold"],
      ["Бывший коллега из AT&T", "at&t"],
      ["Сноска&nbsp;внизу", "nbsp"],
      ["Работает в отделе R&D", "R&D"],
      ["Любит 🍕 и Ａｐｐｌｅ", "🍕"],
      ["Любит 🍕 и Ａｐｐｌｅ", "apple"],
      ["Ответил 👍🏽🎉 на всё", "👍"],
      ["Подписывается 👨‍👩‍👧❤️", "❤"],
      ["Едет в 🇩🇪 летом", "🇩🇪"],
      ["ﾃｽﾗに乗る", "テスラ"],
      ["Поезд Москва→Казань", "казань"],
      ["Стоит 500₽ в месяц", "500"],
      ["User’s flat is small", "user"],
      ["Живёт в\u00a0Туле", "Тула"],
    ])("%p is found by %p", async (content, query) => {
      await put({ content }, { content: "Совсем о другом" });
      expect(await found(query)).toEqual([content]);
    });

    test("a run of signs is asked for by its pairs, and not by every sign of it", async () => {
      await put({ content: "京都は古い" }, { content: "東京に住む" });
      expect(await found("東京")).toEqual(["東京に住む"]);
    });

    test("content of any kind can be stored and asked for", async () => {
      const odd = [
        "''\\'",
        "<&>",
        "👨‍👩‍👧",
        "\u200d\ufe0f",
        "<a href='x'>&amp;</a>",
        "::: @who:x '@2023'",
        "a".repeat(5000),
        "あ".repeat(20_000),
        `${"x-1/".repeat(10_000)}y`,
      ];
      await put(...odd.map((content) => ({ content })));
      for (const content of odd) expect(await found(content.slice(0, 2_000))).toBeDefined();
    });
  });

  describe("days", () => {
    test("a memory is found by when it was, as the question means it at its time", async () => {
      await put(
        { content: "Был в театре", occurredAt: new Date("2026-11-24T19:00:00Z") },
        { content: "Купил велосипед", occurredAt: new Date("2025-03-08T10:00:00Z") },
        { content: "Сменил работу", occurredAt: new Date("2023-05-08T10:00:00Z") },
      );
      expect(await found("вчера")).toEqual(["Был в театре"]);
      expect(await found("Что было в марте?")).toEqual(["Купил велосипед"]);
      expect(await found("what happened in the last year")).toEqual(["Купил велосипед"]);
      expect(await found("8 May 2023")).toEqual(["Сменил работу"]);
    });

    test("times out of any calendar are stored, too", async () => {
      await db.query(
        "INSERT INTO public.memories (user_id, content, occurred_at) VALUES ('u', 'чай', 'infinity'), ('u', 'кофе', '0044-03-15 BC')",
      );
      expect(await found("чай кофе")).toHaveLength(2);
    });
  });

  describe("neighbours", () => {
    const talk = (sessionId: string | null, contents: readonly string[], more = {}) =>
      put(...contents.map((content) => ({ content, sessionId, type: "interaction", ...more })));

    test("stand beside a hit in its session, the nearest first, three at most to either side", async () => {
      const ids = await talk("s", ["раз", "два", "три", "четыре", "горы", "пять", "шесть"]);
      await talk("another", ["лишнее"]);
      const [hit] = (await ask("горы")).hits;
      expect(hit).toMatchObject({ id: ids[4], before: [ids[3], ids[2], ids[1]], after: [ids[5], ids[6]] });
    });

    test("are known through sessions that are told at once", async () => {
      const [a1] = await talk("a", ["раз"]);
      await talk("b", ["чужое"]);
      await talk("a", ["горы"]);
      expect((await ask("горы")).hits[0]?.before).toEqual([a1]);
    });

    test("never are another user's, nor what a filter leaves out, nor what is retired or expired", async () => {
      await talk("s", ["чужое"], { userId: "other" });
      await talk("s", ["сосед"]);
      await talk("s", ["скрыто"], { expiresAt: new Date(Date.now() + 60_000) });
      await talk("s", ["горы"]);
      await db.script("UPDATE public.memories SET expires_at = now() - interval '1 s' WHERE content = 'скрыто'");
      await talk("s", ["закрыто"]);
      await db.script("UPDATE public.memories SET valid_to = now() WHERE content = 'закрыто'");
      const condition = {
        op: "not",
        of: { op: "eq", field: { column: "content" }, value: "сосед" },
      } as const;
      expect((await ask("горы", { scope, condition })).hits).toMatchObject([{ before: [], after: [] }]);
      expect((await ask("горы")).hits[0]?.before).toHaveLength(1);
      const shared = { scope: { projectId: DEFAULT_PROJECT_ID, sessionId: "s", exact: true } };
      expect((await ask("горы", shared)).hits[0]?.before).toHaveLength(1);
    });

    test("without a session are events that were told within minutes, and no statements", async () => {
      const [one] = await talk(null, ["раз"]);
      const [two] = await talk(null, ["горы"]);
      await put({ content: "факт о горах" });
      const hits = (await ask("горы")).hits;
      expect(hits.find((hit) => hit.id === two)?.before).toEqual([one]);
      expect(hits.find((hit) => hit.id !== two)).toMatchObject({ before: [], after: [] });
      await db.script("UPDATE public.memories SET created_at = created_at - interval '1 hour' WHERE content = 'раз'");
      expect((await ask("горы")).hits.find((hit) => hit.id === two)?.before).toEqual([]);
    });

    test("of a turn are turns, and of a statement statements: what one says is no answer of the other", async () => {
      await talk("s", ["раз"]);
      await talk("s", ["первый факт"], { type: "fact" });
      await talk("s", ["горы"]);
      await talk("s", ["горы далеко"], { type: "fact" });
      await talk("s", ["два"]);
      const contents = async (ids: readonly string[] = []) =>
        (await store.findMemories(ids, { scope })).map((row) => row.content);
      const { hits } = await ask("горы");
      expect(
        await Promise.all(hits.map(async (hit) => [await contents(hit.before), await contents(hit.after)])),
      ).toEqual(
        expect.arrayContaining([
          [["раз"], ["два"]],
          [["первый факт"], []],
        ]),
      );
    });

    test("statements of the form `label: value` are no turns, and what stands beside them no answer", async () => {
      const statements = ["Купил хлеб", "Сервер: PostgreSQL на 10.0.0.1", "Пароль: qwerty", "Любимый цвет: синий"];
      const ids = await talk("s", statements, { type: "fact" });
      const hits = await ask("PostgreSQL");
      expect(hits.hits).toMatchObject([{ id: ids[1], isTurn: false }]);
      const scores = lexicalScores(toTextHits(hits));
      expect(scores.get(ids[1] ?? "")).toBeGreaterThan(TEXT_OF_RIGHT);
      for (const beside of [ids[0], ids[2], ids[3]]) expect(scores.get(beside ?? "")).toBeLessThan(TEXT_OF_RIGHT);
    });

    test("the answer is found in the turn after the words, and its speaker is known", async () => {
      const ids = await talk("s", [
        "Ann: Hi there!",
        "Bob: What did you see on your camping trip?",
        "Ann: A meteor shower, so beautiful.",
        "Bob: Wow.",
      ]);
      const hits = await ask("What did Ann see on the camping trip?");
      expect(hits.hits.every((hit) => hit.isTurn)).toBe(true);
      const scores = lexicalScores(toTextHits(hits));
      const ranked = ids.toSorted((one, other) => (scores.get(other) ?? 0) - (scores.get(one) ?? 0));
      expect(ranked[0]).toBe(ids[2]);
    });
  });

  describe("of a user with more memories than are gone through", () => {
    /** Rows of the words that are given, `count` of them, each older than the one before. */
    const fill = (words: string, count: number, firstMinute: number) =>
      db.query(
        `INSERT INTO public.memories (user_id, content, session_id, type, created_at)
         SELECT 'u', $1::text || ' z' || n, 's', 'interaction', now() - (n + $3::int) * interval '1 minute' FROM generate_series(1, $2::int) n`,
        [words, count, firstMinute],
      );

    test("the older ones are found by rare words and by two of the common ones, with who stands beside them", async () => {
      await fill("обычная жизнь", 3_000, 0);
      await fill("обычный день", 1_500, 3_000);
      await fill("обычная редкость", 1, 9_000);
      await fill("прошлое", 1, 9_001);
      await fill("жизнь день", 1, 9_002);
      const contents = async (query: string) => {
        const { hits, documents } = await ask(query);
        expect(documents).toBe(4_000);
        const rows = await store.findMemories(
          hits.map((hit) => hit.id),
          { scope },
        );
        const words = new Map(rows.map((row) => [row.id, row.content.replace(/ z\d+$/, "")]));
        return hits.map((hit) => ({ words: words.get(hit.id), before: hit.before.length, after: hit.after.length }));
      };
      expect((await contents("редкости"))[0]).toEqual({ words: "обычная редкость", before: 2, after: 3 });
      expect((await contents("обычные редкости"))[0]).toMatchObject({ words: "обычная редкость" });
      expect((await contents("жизни день"))[0]).toMatchObject({ words: "жизнь день" });
      expect((await contents("жизнь"))[0]).toMatchObject({ words: "обычная жизнь" });
      // A statement is beside no event among these either.
      await db.script("UPDATE public.memories SET type = 'fact' WHERE content LIKE 'прошлое%'");
      expect((await contents("редкости"))[0]).toEqual({ words: "обычная редкость", before: 1, after: 3 });
    });
  });
});
