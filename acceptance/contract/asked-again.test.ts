// CONTRACT.md 2: read-your-writes, also of somebody who is asked about so often that the service holds their memories.
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { contents, create, indexed, search, unique, type Memory } from "../memories.ts";

const TOPICS = [
  "чай",
  "кофе",
  "переезд в Казань",
  "отпуск в марте",
  "собака Рекс",
  "deploy on Friday",
  "врач Иванов",
  "заказ INV-2024-0093",
];
const QUESTIONS = [
  "Какой чай?",
  "когда переезд в Казань",
  "Rex собака",
  "deploys",
  "INV-2024-0093",
  "врача Иванова",
  "отпуск",
];

describe("who is asked about again and again", () => {
  const user = unique("asked");
  const ask = (query: string, more: Record<string, unknown> = {}) =>
    search({ user_id: user, query, limit: 5, ...more });
  const find = async (query: string) => contents(await ask(query, { relevance_threshold: 0.5 }));

  beforeAll(async () => {
    const memories: Memory[] = [];
    for (const [at, topic] of TOPICS.entries())
      for (const session of ["one", "two", "three"]) {
        const talk = { type: "interaction", session_id: session, content: `Анна: ${topic}, запись ${session} ${at}` };
        const fact = { content: `Пользователь упомянул ${topic} (${session})` };
        memories.push(await create({ user_id: user, ...(session === "three" ? fact : talk) }));
      }
    await indexed(...memories);
  });

  test("the answers stay the same, by order and by score", async () => {
    const first = new Map<string, Awaited<ReturnType<typeof ask>>>();
    for (const question of QUESTIONS) first.set(question, await ask(question));
    for (let round = 0; round < 3; round++) {
      await sleep(100);
      for (const question of QUESTIONS) {
        const [now, then] = [await ask(question), first.get(question)];
        expect(contents(now)).toEqual(then === undefined ? [] : contents(then));
        now.memories.forEach((memory, at) => {
          expect(memory.relevance_score).toBeCloseTo(then?.memories[at]?.relevance_score ?? Number.NaN, 3);
        });
      }
    }
  });

  test("what was written is found by the next question, and what has gone is not", async () => {
    const told = await create({ user_id: user, content: "Собаку зовут Барсик, она овчарка" });
    expect(await find("овчарка Барсик")).toEqual(["Собаку зовут Барсик, она овчарка"]);
    await api("PATCH", `/api/memories/${told.id}`, { body: { content: "Собаку зовут Полкан, она терьер" } });
    expect(await find("овчарка Барсик")).toEqual([]);
    expect(await find("терьер Полкан")).toEqual(["Собаку зовут Полкан, она терьер"]);
    await api("DELETE", `/api/memories/${told.id}`);
    expect(await find("терьер Полкан")).toEqual([]);
  });

  test("a newer state takes the place of the older one", async () => {
    await create({ user_id: user, key: "transport", content: "Ездит на велосипеде" });
    expect(await find("ездит на велосипеде")).toEqual(["Ездит на велосипеде"]);
    await create({ user_id: user, key: "transport", content: "Ездит на самокате" });
    expect(await find("ездит на самокате")).toEqual(["Ездит на самокате"]);
    expect(await find("велосипед")).toEqual([]);
  });

  test("what expires is gone with its last moment", async () => {
    await create({
      user_id: user,
      content: "Код домофона 4711",
      expires_at: new Date(Date.now() + 1_500).toISOString(),
    });
    expect(await find("код домофона")).toEqual(["Код домофона 4711"]);
    await sleep(1_600);
    expect(await find("код домофона")).toEqual([]);
  });

  test("nothing is left of whose memories are all deleted", async () => {
    await api("DELETE", `/api/memories/user/${user}`);
    for (const question of QUESTIONS) expect((await ask(question)).total).toBe(0);
  });
});
