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
