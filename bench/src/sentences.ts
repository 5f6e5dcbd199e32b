/**
 * What the benchmarks remember and ask: Russian and English statements about people, made by a seeded generator, so that
 * two runs work on the same texts. Lengths are those of chat memories: about 40 to 300 characters.
 */

export interface Statement {
  readonly content: string;
  readonly type: string;
  /** A question whose answer the statement is, in other words than its own where the template allows it. */
  readonly question: string;
}

const TYPES = ["fact", "preference", "pattern", "interaction"] as const;

const ENGLISH = {
  people: ["Anton", "Maria", "the customer", "her manager", "the new engineer", "Dmitry", "the accountant", "Olga"],
  things: [
    "the quarterly report",
    "a deployment checklist",
    "the invoice template",
    "the mobile application",
    "a payment gateway",
    "the onboarding guide",
    "the search index",
    "a weekly newsletter",
    "the staging server",
    "a travel budget",
    "the support inbox",
    "the product roadmap",
    "a privacy policy",
    "the warehouse inventory",
    "a coffee machine",
  ],
  verbs: [
    "prefers to review",
    "asked us to rewrite",
    "is responsible for",
    "has postponed",
    "wants a reminder about",
    "approved",
  ],
  times: [
    "every Monday morning",
    "before the end of March",
    "after the release",
    "twice a month",
    "on short notice",
    "at 18:00",
  ],
  tails: [
    "because the previous version confused several clients.",
    "and would rather get short answers with a link to the source.",
    "although the team still discusses who pays for it.",
    "so please keep notifications off during meetings and send one summary instead of many separate messages.",
    "in Berlin.",
    "",
  ],
} as const;

const RUSSIAN = {
  people: ["Антон", "Мария", "клиент", "руководитель", "новый инженер", "Дмитрий", "бухгалтер", "Ольга"],
  things: [
    "квартальный отчёт",
    "список проверок перед выпуском",
    "шаблон счёта",
    "мобильное приложение",
    "платёжный шлюз",
    "руководство для новичков",
    "поисковый индекс",
    "еженедельную рассылку",
    "тестовый сервер",
    "бюджет поездок",
    "почту поддержки",
    "план развития продукта",
    "политику конфиденциальности",
    "остатки на складе",
    "кофемашину",
  ],
  verbs: [
    "предпочитает проверять",
    "просил переписать",
    "отвечает за",
    "отложил",
    "хочет напоминание про",
    "согласовал",
  ],
  times: [
    "каждый понедельник утром",
    "до конца марта",
    "после выпуска",
    "два раза в месяц",
    "без предупреждения",
    "в 18:00",
  ],
  tails: [
    "потому что прошлая версия запутала нескольких клиентов.",
    "и любит короткие ответы со ссылкой на источник.",
    "хотя команда ещё обсуждает, кто за это платит.",
    "поэтому во время встреч уведомления лучше не присылать, а вечером отправлять одну сводку вместо множества сообщений.",
    "в Казани.",
    "",
  ],
} as const;

/** A source of numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Statement `number` of a run; no two numbers give the same content. */
export function makeStatement(number: number, random: () => number): Statement {
  const pick = <T>(list: readonly [T, ...T[]]): T => list[Math.floor(random() * list.length)] ?? list[0];
  const isRussian = random() < 0.5;
  const words = isRussian ? RUSSIAN : ENGLISH;
  const [person, verb, thing, time, tail] = [
    pick(words.people),
    pick(words.verbs),
    pick(words.things),
    pick(words.times),
    pick(words.tails),
  ];
  const mark = isRussian ? `(задача ${number})` : `(ticket ${number})`;
  return {
    content: [person, verb, thing, mark, time, tail].filter((part) => part !== "").join(" "),
    type: pick(TYPES),
    question: isRussian
      ? `${thing}, ${time}: что известно, ${person}?`
      : `What do we know about ${person} and ${thing} ${time}?`,
  };
}
