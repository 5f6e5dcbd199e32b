import { describe, expect, test } from "@jest/globals";
import type { ExtractionRequest } from "@engram/memory";
import fc from "fast-check";
import { createOfflineExtractor } from "./create-extractor.ts";

const saidAt = new Date("2026-05-18T10:30:00Z"); // a Monday
const request = (content: string, given: Partial<ExtractionRequest> = {}): ExtractionRequest => ({
  projectId: "p",
  turns: [{ number: 1, role: "user", name: null, content, saidAt }],
  before: [],
  known: [],
  wishes: { instructions: null, includes: null, excludes: null },
  requestIds: [],
  ...given,
});
const extract = async (content: string, given: Partial<ExtractionRequest> = {}) =>
  (await createOfflineExtractor().extract(request(content, given), new AbortController().signal)).facts;
const texts = async (content: string) => (await extract(content)).map((fact) => fact.content);

test("notes of a session are kept as they stand, whoever they are about", async () => {
  const notes = [
    "Пользователь ищет билеты в Сочи",
    "Что ищет: окно, без пересадок. Бюджет 20 000",
    "Wants the aisle seat?",
  ];
  for (const note of notes) {
    expect(await texts(note)).toEqual([]);
    const wishes = { instructions: null, includes: null, excludes: null, areNotes: true };
    expect((await extract(note, { wishes })).map((fact) => fact.content)).toEqual([note]);
  }
});

describe("what is kept", () => {
  test.each([
    ["Меня зовут Антон, я программист", ["Меня зовут Антон, я программист"]],
    ["Привет! Меня зовут Антон.", ["Меня зовут Антон"]],
    ["Привет, меня зовут Антон", ["Меня зовут Антон"]],
    ["Ну, кстати, я живу в Казани.", ["Я живу в Казани"]],
    ["Живу в Москве. Работаю в банке аналитиком!", ["Живу в Москве", "Работаю в банке аналитиком"]],
    ["Не люблю кофе", ["Не люблю кофе"]],
    ["Мне нравится тёмная тема 😊", ["Мне нравится тёмная тема"]],
    ["Моя дочь Маша учится в третьем классе.", ["Моя дочь Маша учится в третьем классе"]],
    ["У меня аллергия на орехи, спасибо, что спросили", []],
    ["У меня аллергия на орехи. Спасибо!", ["У меня аллергия на орехи"]],
    ["Купил машину за 1.5 млн рублей", ["Купил машину за 1.5 млн рублей"]],
    ["Я живу в г. Казань на ул. Баумана.", ["Я живу в г. Казань на ул. Баумана"]],
    ["- Я предпочитаю чай\n- Мне 35 лет", ["Я предпочитаю чай", "Мне 35 лет"]],
    ["1. Я веган\n2) Мой рост 180 см", ["Я веган", "Мой рост 180 см"]],
    ["Запомни, что код от домофона 45К", ["Код от домофона 45К"]],
    ["Пожалуйста, запомни: встреча с врачом в пятницу", ["Встреча с врачом в пятницу"]],
    ["Переехала в Самару две недели назад", ["Переехала в Самару две недели назад"]],
    ["Обычно бегаю по утрам", ["Обычно бегаю по утрам"]],
    ["Мы с женой хотим поехать в Грузию", ["Мы с женой хотим поехать в Грузию"]],
    ["Наш пёс Рекс боится грозы", ["Наш пёс Рекс боится грозы"]],
    ["«Я работаю из дома»", ["Я работаю из дома"]],
    ["да, я вегетарианец", ["Я вегетарианец"]],
    ["Собираюсь в отпуск в июле", ["Собираюсь в отпуск в июле"]],
    ["Пишу на Python и Go", ["Пишу на Python и Go"]],
    ["My name is Anna and I work as a nurse", ["My name is Anna and I work as a nurse"]],
    ["Hi! I'm allergic to penicillin.", ["I'm allergic to penicillin"]],
    ["Well, I prefer the dark theme.", ["I prefer the dark theme"]],
    ["I live in Berlin. I have two kids.", ["I live in Berlin", "I have two kids"]],
    ["My wife's birthday is on May 5.", ["My wife's birthday is on May 5"]],
    ["Please remember that the gate code is 4711", ["The gate code is 4711"]],
    ["We moved to Lisbon last week", ["We moved to Lisbon last week"]],
    ["I use Node.js 20 and PostgreSQL 16.", ["I use Node.js 20 and PostgreSQL 16"]],
    ["By the way, I don't eat meat", ["I don't eat meat"]],
    ["I met Dr. Smith at St. Mary's.", ["I met Dr. Smith at St. Mary's"]],
    ["Yes, my email is anna@example.com", ["My email is anna@example.com"]],
    ["Я использую n8n и Flowise для автоматизации.", ["Я использую n8n и Flowise для автоматизации"]],
    ["Мой часовой пояс — UTC+3", ["Мой часовой пояс — UTC+3"]],
    ["Я родился в 1990 году в Томске", ["Я родился в 1990 году в Томске"]],
    ["Бросил курить год назад", ["Бросил курить год назад"]],
    [
      "Наша команда использует Jira. А ещё мы любим ретро по пятницам",
      ["Наша команда использует Jira", "А ещё мы любим ретро по пятницам"],
    ],
  ])("%s", async (content, expected) => {
    expect(await texts(content)).toEqual(expected);
  });
});

describe("what is left out", () => {
  test.each([
    "Как меня зовут?",
    "Что ты помнишь обо мне?",
    "Как настроить Docker?",
    "что мне делать с этой ошибкой",
    "Ты можешь мне помочь?",
    "Спасибо!",
    "Большое спасибо, ты мне очень помог",
    "Привет",
    "Привет, как дела?",
    "Ок, понятно",
    "Да",
    "Напиши мне письмо начальнику",
    "Расскажи о моих планах",
    "Помоги мне с кодом",
    "Переведи мою статью на английский",
    "Давай поговорим обо мне",
    "Забудь всё, что я сказал",
    "Если я перееду, мне нужна будет виза",
    "Погода сегодня хорошая",
    "Солнце встаёт на востоке.",
    "Отлично!",
    "```\nconst my = 'я живу в коде';\n```",
    "> Я цитирую чужие слова",
    "What is my name?",
    "Can you help me?",
    "how do I reset my password",
    "Thank you for helping me",
    "Thanks, you saved me",
    "Hello there!",
    "Ok",
    "Cool, great",
    "Write me a poem about us",
    "Show me my notes",
    "Tell me about my plans",
    "Please fix my code",
    "Let's talk about me",
    "If I move, I will need a visa",
    "The weather is nice today",
    "Paris is the capital of France.",
    "I",
    "🙂🙂🙂",
    "",
    "   \n  ",
  ])("%s", async (content) => {
    expect(await texts(content)).toEqual([]);
  });

  test("what the assistant says", async () => {
    const turns = [{ number: 1, role: "assistant", name: null, content: "Я рекомендую вам чай", saidAt } as const];
    expect(await extract("", { turns })).toEqual([]);
  });
});

describe("what is known of it", () => {
  test.each([
    ["Я люблю чай", "preference"],
    ["I hate mornings", "preference"],
    ["Каждое утро я бегаю", "pattern"],
    ["I usually work at night", "pattern"],
    ["Вчера я купил велосипед", "interaction"],
    ["Переехал в Казань вчера", "fact"],
    ["I visited my mother yesterday", "interaction"],
    ["Я программист", "fact"],
    ["My name is Anna", "fact"],
  ])("%s is a %s", async (content, type) => {
    expect((await extract(content))[0]?.type).toBe(type);
  });

  test.each([
    ["Вчера я купил велосипед", "2026-05-17"],
    ["Позавчера мы ездили на дачу", "2026-05-16"],
    ["3 дня назад я сдал экзамен", "2026-05-15"],
    ["I moved here 2 weeks ago", "2026-05-04"],
    ["Сегодня я пробежал 5 км", "2026-05-18"],
  ])("%s happened on %s", async (content, day) => {
    expect((await extract(content))[0]?.occurredAt?.toISOString().slice(0, 10)).toBe(day);
  });

  test("who somebody is outweighs what they did once, and what is asked to be kept is kept", async () => {
    const weight = async (content: string) => (await extract(content))[0]?.importance ?? 0;
    expect(await weight("Меня зовут Антон")).toBeGreaterThan(await weight("Вчера я купил хлеб в магазине"));
    expect(await weight("Запомни, что встреча в пятницу")).toBe(0.9);
  });

  test("names in it", async () => {
    expect((await extract("Я работаю с Марией Ивановой в Яндексе"))[0]?.entities).toEqual([
      "Марией Ивановой",
      "Яндексе",
    ]);
  });

  const known = (content: string, number: number) => ({ number, type: "fact", content, validFrom: saidAt });

  test.each([
    ["Я живу в Москве", "Я живу в Казани", "replaces"],
    ["Переехал в Москву", "Я живу в Казани", "replaces"],
    ["Меня зовут Антон", "Меня зовут Анна", "replaces"],
    ["I live in Berlin", "I live in Paris", "replaces"],
    ["я живу в казани!", "Я живу в Казани", "same"],
    ["Теперь я живу в Омске", "Я живу в Казани", "replaces"],
    ["Я теперь живу в Омске", "Живу в Нижнем Новгороде с 2019 года", "replaces"],
    ["Переехал в г. Томск", "Переехала в Самару две недели назад", "replaces"],
    ["I've moved to New York", "I live in Rio de Janeiro now", "replaces"],
    ["Меня зовут Ольга, я врач", "Меня зовут Вера Ивановна", "replaces"],
    ["My name is Ann", "Меня зовут Вера", "replaces"],
    // What else a statement says would be lost with it.
    ["Я живу в Омске", "Я живу в Казани и работаю врачом", "new"],
    ["Меня зовут Ольга", "Меня зовут Вера, я живу в Казани", "new"],
    ["I live in Paris", "I live in Berlin with my wife", "new"],
    ["Я живу в Омске", "Я живу в Казани, у меня двое детей", "new"],
    ["Я живу в квартире с братом", "Я живу в Казани", "new"],
    ["Я люблю чай", "Я люблю кофе", "new"],
  ])("%s, where it is known: %s, is %s", async (content, standing, kind) => {
    const [fact] = await extract(content, { known: [known("Что-то другое", 1), known(standing, 2)] });
    expect(fact?.relation.kind).toBe(kind);
    if (kind === "replaces") expect(fact?.relation).toEqual({ kind, known: [2] });
  });

  const said = (content: string, number: number) => ({ number, role: "user", name: null, content, saidAt }) as const;
  const relations = async (contents: readonly string[], given: Partial<ExtractionRequest> = {}) =>
    (await extract("", { turns: contents.map((content, i) => said(content, i + 1)), ...given })).map(
      (fact) => fact.relation,
    );

  test("what is said later in a talk replaces or repeats what was said before", async () => {
    expect(
      await relations(["Я живу в Казани", "Я люблю чай", "Я переехал в Москву", "я люблю чай!", "Я живу в Казани"]),
    ).toEqual([
      { kind: "new" },
      { kind: "new" },
      { kind: "replaces", known: [], earlier: [1] },
      { kind: "same", earlier: 2 },
      { kind: "replaces", known: [], earlier: [3] },
    ]);
    expect(await relations(["Меня зовут Антон. Я живу в Казани.", "Я живу в Омске"])).toEqual([
      { kind: "new" },
      { kind: "new" },
      { kind: "replaces", known: [], earlier: [2] },
    ]);
  });

  test("what was known and is replaced in the talk is not there to be the same any more", async () => {
    expect(await relations(["Переехал в Москву", "Я живу в Казани"], { known: [known("Я живу в Казани", 1)] })).toEqual(
      [
        { kind: "replaces", known: [1] },
        { kind: "replaces", known: [], earlier: [1] },
      ],
    );
  });

  test("wishes are taken by their words", async () => {
    const content = "Я люблю чай. У меня аллергия на орехи.";
    const wish = async (given: object) =>
      (await extract(content, { wishes: { instructions: null, includes: null, excludes: null, ...given } })).map(
        (fact) => fact.content,
      );
    expect(await wish({ includes: "аллергии" })).toEqual(["У меня аллергия на орехи"]);
    expect(await wish({ excludes: "здоровье, аллергии" })).toEqual(["Я люблю чай"]);
  });
});

test("whatever is said, nothing is thrown and nothing is kept that was not said", async () => {
  const words = fc.constantFrom(
    "я",
    "люблю",
    "I",
    "my",
    "Казань",
    "?",
    "!",
    ".",
    "\n",
    "```",
    "- ",
    "вчера",
    "запомни,",
    "😀",
    "г.",
    "«",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(words, { maxLength: 40 }).map((list) => list.join(" ")),
      ),
      async (content) => {
        const facts = await extract(content);
        expect(facts.length).toBeLessThanOrEqual(20);
        for (const fact of facts) expect(content.toLowerCase()).toContain(fact.content.slice(1).toLowerCase());
      },
    ),
    { numRuns: 1_000 },
  );
});
