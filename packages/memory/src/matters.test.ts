import { expect, test } from "@jest/globals";
import { wordsOfMatters } from "./matters.ts";

test.each([
  ["Переехал в Москву", "Живёт в Казани"],
  ["I've moved to Moscow", "The user lives in Kazan"],
  ["I have moved to Moscow", "Живёт в Казани"],
  ["Меня теперь зовут Анна", "Имя пользователя — Антон"],
  ["Устроилась в Яндекс", "Работает в банке"],
  ["I quit and joined Acme", "Works at a bank"],
  ["Мы развелись, я теперь холост", "Женат на Марии"],
  ["ПЕРЕЕХАЛИ В ОМСК!", "Живем в Томске"],
])("%s is about the same matter as %s", (said, known) => {
  const words = new Set(wordsOfMatters(said).split(" "));
  const told =
    known
      .toLowerCase()
      .replaceAll("ё", "е")
      .match(/\p{L}+/gu) ?? [];
  expect(told.filter((word) => words.has(word))).not.toEqual([]);
});

test.each(["", "Люблю чай с бергамотом", "The weather is nice", "Оживлённый спор о премиях", "🙂"])(
  "%s is about none",
  (said) => {
    expect(wordsOfMatters(said)).toBe("");
  },
);
