/** What kind of statement it is, how much it weighs, when it happened: by words, in Russian and English. */

const PREFERENCE =
  /(?<!\p{L})(?:люблю|нравится|нравятся|предпочитаю|обожаю|ненавижу|терпеть не могу|хочу|хотел[аи]? бы|мечтаю|любим(?:ый|ая|ое|ые|ого|ой)|like|love|prefer|hate|enjoy|want|dream of|favou?rite)(?!\p{L})/iu;
const PATTERN =
  /(?<!\p{L})(?:кажд(?:ый|ую|ое|ые)|обычно|всегда|регулярно|ежедневно|по (?:утрам|вечерам|выходным|ночам|понедельникам|вторникам|средам|четвергам|пятницам|субботам|воскресеньям)|usually|always|regularly|every (?:day|morning|evening|night|week|month|year|monday|tuesday|wednesday|thursday|friday|saturday|sunday)|on (?:mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays|weekends))(?!\p{L})/iu;
const WEIGHTY =
  /(?<!\p{L})(?:меня зовут|мо[её] имя|живу|переехал[аи]?|родил(?:ся|ась)|работаю|устроил(?:ся|ась)|жен(?:а|ат|ился)|замуж(?:ем)?|муж|дочь|сын|дети|ребён(?:ок|ка)|мама|папа|аллерги\p{L}+|диабет\p{L}*|болею|беременн\p{L}+|my name is|i(?:'m| am) called|live in|moved to|was born|work (?:as|at|for|in)|married|wife|husband|daughter|son|kids|children|allerg\p{L}+|diabet\p{L}+|pregnant)(?!\p{L})/iu;

export type StatementType = "fact" | "preference" | "interaction" | "pattern";

export function typeOf(text: string, occurredAt: Date | null): StatementType {
  // "Moved to Kazan yesterday" says where somebody lives, and since when.
  if (SLOTS.some(({ begun }) => begun.test(text))) return "fact";
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

/** Words of a name, the little ones between them too. With case: "живу в квартире" is no place's name. */
const NAME = String.raw`\p{Lu}[\p{L}\d.'’-]*(?: (?:(?:на|и|de|da|do|la|of|upon|the) )?\p{Lu}[\p{L}\d.'’-]*){0,3}`;
const WHEN = String.raw`(?:,? (?:уже|сейчас|теперь|недавно|вчера|сегодня|now|already|recently|yesterday|(?:на|в) прошл\p{L}+ \p{L}+|last \p{L}+|(?:[\p{L}\d]+ ){0,2}\p{L}+ (?:назад|ago)|(?:с|в|since|in) \d{4}(?: год[ау])?))?`;
const NOW = String.raw`(?:(?:[Тт]еперь|[Сс]ейчас|[Уу]же),? )?`;
const CALLED = String.raw`(?:[Мм]еня (?:теперь )?зовут|[Мм]о[её] имя(?: [—–-])?|[Mm]y name is(?: now)?)`;
const LIVES = String.raw`(?:${NOW}(?:[Яя] )?${NOW}(?:[Жж]иву|[Пп]ереехала?(?: жить)?) во?(?: г\.| городе)?|(?:[Nn]ow,? )?I(?:'ve| have)? (?:now )?(?:live in|moved to)(?: the city of)?)`;

/** What a person has one of: how it is begun, and how it is said when nothing else is said with it. */
const SLOTS = [CALLED, LIVES].map((begin) => ({
  begun: new RegExp(`^${begin} \\p{Lu}`, "u"),
  alone: new RegExp(`^${begin} ${NAME}${WHEN}[.!]?$`, "u"),
}));

/**
 * Whether a newer statement takes the place of the one that stands: both say what a person has one of, and the standing one
 * says nothing besides, which would be lost with it.
 */
export function takesPlaceOf(standing: string, newer: string): boolean {
  return SLOTS.some(({ begun, alone }) => alone.test(standing) && begun.test(newer));
}
