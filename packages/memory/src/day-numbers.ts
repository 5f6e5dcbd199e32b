/** Numbers in English and Russian, for regular expressions over lower-case text with е for ё. */

/** From one on, in the cases that they count in. */
const NUMBERS: ReadonlyMap<string, number> = new Map(
  [
    "a|an|one|один|одну|одного|одной",
    "two|couple|a couple of|два|две|двух|двое|пару|пары",
    "three|few|a few|several|три|трех|трое|несколько|нескольких",
    "four|четыре|четырех|четверо",
    "five|пять|пяти",
    "six|шесть|шести",
    "seven|семь|семи",
    "eight|восемь|восьми",
    "nine|девять|девяти",
    "ten|десять|десяти",
    "eleven|одиннадцать|одиннадцати",
    "twelve|двенадцать|двенадцати",
  ]
    .flatMap((words, at) => words.split("|").map((word) => [word, at + 1] as const))
    .concat(["полтора", "полторы", "полутора"].map((word) => [word, 1.5] as const)),
);
const NUMBER = `\\d{1,3}(?:[.,]\\d{1,2})?|${[...NUMBERS.keys()].toSorted((one, other) => other.length - one.length).join("|")}`;

/** How many of `unit` (an alternation of words), read by `quantityOf`: "3 days", "1.5 years", "two and a half years", "полгода". */
export const quantityPattern = (unit: string): string =>
  `(?:(?<number>${NUMBER})(?<half> and a half| с половиной)? |(?<part>пол ?|half an? ))(?<unit>${unit})(?<rest> and a half)?`;

/** A number of halves, or what was said as a decimal fraction. */
export function quantityOf({ number, half, part, rest }: Readonly<Record<string, string | undefined>>): number {
  const whole = number === undefined ? 0 : (NUMBERS.get(number) ?? Number(number.replace(",", ".")));
  return [half, part, rest].some((words) => words !== undefined) ? whole + 0.5 : whole;
}

/** The days of a month in words, from the first on; the tens are named alone, and before a one. */
function ordinals(
  upToNineteenth: string,
  twenty: readonly [string, string],
  thirty: readonly [string, string],
): readonly string[] {
  const words = upToNineteenth.split(" ");
  const [twentieth, twentyAnd] = twenty;
  const [thirtieth, thirtyAnd] = thirty;
  const twenties = words.slice(0, 9).map((word) => twentyAnd + word);
  return [...words, twentieth, ...twenties, thirtieth, `${thirtyAnd}${words[0]}`];
}
const ENGLISH = ordinals(
  "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth",
  ["twentieth", "twenty[ -]"],
  ["thirtieth", "thirty[ -]"],
);
const RUSSIAN = ordinals(
  "перв втор треть? четверт пят шест седьм восьм девят десят одиннадцат двенадцат тринадцат четырнадцат пятнадцат шестнадцат семнадцат восемнадцат девятнадцат",
  ["двадцат", "двадцать "],
  ["тридцат", "тридцать "],
).map((stem) => `${stem}(?:ого|ому|ое|ым|его|ему|е|им)`);

/** As a month follows it: "пятого", and "fifth of". */
export const DAY_ORDINAL = RUSSIAN.join("|");
export const DAY_ORDINAL_OF = ENGLISH.join("|");

/** Of figures or an ordinal in words. */
export function dayNumberOf(text: string): number {
  if (/^\d/.test(text)) return Number(text);
  const isDay = (word: string): boolean => new RegExp(`^(?:${word})$`, "u").test(text);
  return Math.max(ENGLISH.findIndex(isDay), RUSSIAN.findIndex(isDay)) + 1;
}
