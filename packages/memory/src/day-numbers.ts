/** Numbers in English and Russian, for regular expressions over lower-case text with е for ё. */

const NUMBERS: ReadonlyMap<string, number> = new Map(
  [
    "a|an|one|один|одну",
    "two|couple|a couple of|два|две|пару",
    "three|few|a few|три|несколько",
    "four|четыре",
    "five|пять",
    "six|шесть",
    "seven|семь",
    "eight|восемь",
    "nine|девять",
    "ten|десять",
  ].flatMap((words, at) => words.split("|").map((word) => [word, at + 1] as const)),
);

export const NUMBER = `\\d{1,3}|${[...NUMBERS.keys()].toSorted((one, other) => other.length - one.length).join("|")}`;

/** One, where none is said. */
export const numberOf = (word: string | undefined): number =>
  word === undefined ? 1 : (NUMBERS.get(word) ?? Number(word));
