/** What kind of statement it is, how much it weighs, when it happened: by words, in Russian and English. */

const PREFERENCE =
  /(?<!\p{L})(?:люблю|нравится|нравятся|предпочитаю|обожаю|ненавижу|терпеть не могу|хочу|хотел[аи]? бы|мечтаю|любим(?:ый|ая|ое|ые|ого|ой)|like|love|prefer|hate|enjoy|want|dream of|favou?rite)(?!\p{L})/iu;
const PATTERN =
  /(?<!\p{L})(?:кажд(?:ый|ую|ое|ые)|обычно|всегда|регулярно|ежедневно|по (?:утрам|вечерам|выходным|ночам|понедельникам|вторникам|средам|четвергам|пятницам|субботам|воскресеньям)|usually|always|regularly|every (?:day|morning|evening|night|week|month|year|monday|tuesday|wednesday|thursday|friday|saturday|sunday)|on (?:mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays|weekends))(?!\p{L})/iu;
const WEIGHTY =
  /(?<!\p{L})(?:меня зовут|мо[её] имя|живу|переехал[аи]?|родил(?:ся|ась)|работаю|устроил(?:ся|ась)|жен(?:а|ат|ился)|замуж(?:ем)?|муж|дочь|сын|дети|ребён(?:ок|ка)|мама|папа|аллерги\p{L}+|диабет\p{L}*|болею|беременн\p{L}+|my name is|i(?:'m| am) called|live in|moved to|was born|work (?:as|at|for|in)|married|wife|husband|daughter|son|kids|children|allerg\p{L}+|diabet\p{L}+|pregnant)(?!\p{L})/iu;

export type StatementType = "fact" | "preference" | "interaction" | "pattern";

export function typeOf(text: string, occurredAt: Date | null): StatementType {
  if (PATTERN.test(text)) return "pattern";
  if (PREFERENCE.test(text)) return "preference";
  return occurredAt === null ? "fact" : "interaction";
}

/** 0..1: who somebody is outweighs what they like, and that what happened once. */
export function importanceOf(text: string, { type, isWanted }: { type: StatementType; isWanted: boolean }): number {
  if (isWanted || WEIGHTY.test(text)) return 0.9;
  return { preference: 0.7, pattern: 0.6, fact: 0.5, interaction: 0.4 }[type];
}

const DAY_MS = 86_400_000;
const DAYS_AGO: readonly (readonly [RegExp, number])[] = [
  [/(?<!\p{L})(?:позавчера|the day before yesterday)(?!\p{L})/iu, 2],
  [/(?<!\p{L})(?:вчера|yesterday|last night)(?!\p{L})/iu, 1],
  [/(?<!\p{L})(?:сегодня|today|this morning)(?!\p{L})/iu, 0],
  [/(?<!\p{L})(?:на прошлой неделе|неделю назад|last week|a week ago)(?!\p{L})/iu, 7],
];
const COUNTED = /(\d{1,3}) (?:(дн(?:я|ей)|день|days?)|(недел[иьюя]|weeks?)) (?:назад|ago)(?!\p{L})/iu;

/** The day that the words name, counted from when they were said; null where they name none. */
export function occurredOn(text: string, saidAt: Date): Date | null {
  const [, count, , weeks] = COUNTED.exec(text) ?? [];
  const days =
    count === undefined
      ? DAYS_AGO.find(([pattern]) => pattern.test(text))?.[1]
      : Number(count) * (weeks === undefined ? 1 : 7);
  return days === undefined ? null : new Date(saidAt.getTime() - days * DAY_MS);
}

/** Words with a large letter inside of the statement; what begins it may be any word. */
export function entitiesOf(text: string): readonly string[] {
  const names = text.match(/(?<=\S\s["«“(]?)\p{Lu}[\p{L}\d-]+(?:\s\p{Lu}[\p{L}\d-]+)*/gu) ?? [];
  return [...new Set(names)].filter((name) => !/^I(?:'\p{L}+)?$/u.test(name)).slice(0, 8);
}

/** What a person has one of, said without doubt: a newer one takes the older one's place. */
const SLOTS: readonly RegExp[] = [
  /^(?:меня зовут|мо[её] имя|my name is)(?!\p{L})/iu,
  // With case: "живу в квартире" is no place's name.
  /^(?:[Яя] )?(?:(?:[Тт]еперь|[Сс]ейчас) )?(?:[Жж]иву во? \p{Lu}|[Пп]ереехала? (?:жить )?во? \p{Lu})|^I (?:now )?(?:live in \p{Lu}|moved to \p{Lu})/u,
];

export function sameSlot(left: string, right: string): boolean {
  return SLOTS.some((slot) => slot.test(left) && slot.test(right));
}
