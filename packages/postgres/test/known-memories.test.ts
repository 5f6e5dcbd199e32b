import { expect, test } from "@jest/globals";
import { factsOf } from "@engram/memory/contracts/fakes/extractor";
import { describeOnDatabases } from "./databases.ts";
import { createTalk } from "./talk.ts";

/* Which memories an answer may relate to: what is not shown is neither repeated nor ended. */

describeOnDatabases("known memories that are shown", (db) => {
  const { say, put, shown } = createTalk(db);
  const bytesShown = () => Buffer.byteLength(shown().join(""));

  test.each([
    ["Переехал в Москву", "Живёт в Казани"],
    ["I have moved to Moscow", "Living in Kazan"],
    ["Теперь меня зовут Анна, а не Мария, Москва", "Имя: Мария"],
    ["Уволилась из театра в Москве", "Работает в банке аналитиком"],
  ])("%s meets %s among thirty that share words with it, or are newer", async (said, known) => {
    await put({ content: known });
    for (let n = 0; n < 20; n++)
      await put({ content: `Москва понравилась музеем номер ${n}, Moscow's best, и театром` });
    for (let n = 0; n < 10; n++) await put({ content: `Любит книгу номер ${n}`, importance: 1 });
    await say([said]);
    expect(shown()).toContain(known);
    expect(shown().length).toBeLessThanOrEqual(12);
    expect(bytesShown()).toBeLessThanOrEqual(1_000);
  });

  test("what is too long to be shown hides nothing else", async () => {
    await put({ content: "Живёт в Казани" });
    await put({ content: `Переехал, живёт в Казани: ${"переехал в Казань ".repeat(40)}` });
    await say(["Переехал в Казань, живу в Казани"]);
    expect(shown()).toEqual(["Живёт в Казани"]);
  });

  test("events take no place of states, neither among the newest nor among those that share words", async () => {
    await put({ content: "Любит чай" });
    for (let n = 0; n < 50; n++) await put({ content: `Был на рыбалке, поймал щуку номер ${n}`, type: "interaction" });
    await put({ content: "Ходит на рыбалку" });
    for (let n = 0; n < 5; n++) await put({ content: `Смотрел фильм номер ${n}`, type: "interaction", importance: 1 });
    await say(["Был на рыбалке, поймал щуку"]);
    expect(shown().toSorted()).toEqual(["Любит чай", "Ходит на рыбалку"]);
  });

  test("rules, which pay no tokens, are shown what there is", async () => {
    for (let n = 0; n < 30; n++) await put({ content: `Живёт в городе номер ${n}: ${"и ещё кое-что ".repeat(20)}` });
    await say(["Живу в городе"], factsOf, { offline: true });
    expect(shown()).toHaveLength(30);
    await say(["Живу в другом городе"]);
    expect(bytesShown()).toBeLessThanOrEqual(1_000);
  });
});
