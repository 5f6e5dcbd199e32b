import { isTrusted } from "./calibration.ts";
import { MemoryError } from "./errors.ts";
import type { Calibration, CosineScale } from "./ports/index.ts";
import { cosineOf, type Vector } from "./vector.ts";

type ProbePairs = readonly (readonly [question: string, statement: string])[];

/**
 * Questions and the memories that answer them, as an embedder is asked of them in daily use: some share their words,
 * some only their meaning. Subjects are far apart, so that every other statement is a wrong answer to a question.
 */
const RUSSIAN: ProbePairs = [
  ["Где живёт пользователь?", "Пользователь живёт в Новосибирске"],
  ["Какую музыку любит пользователь?", "Пользователь любит слушать классическую музыку"],
  ["Какие у пользователя домашние животные?", "У пользователя есть кошка и два попугая"],
  ["Чем пользователь болел зимой?", "Зимой пользователь перенёс воспаление лёгких"],
  ["На чём пользователь ездит на работу?", "На работу пользователь ездит на велосипеде"],
  ["Какие книги читает пользователь?", "Пользователь читает научную фантастику и детективы"],
];
const ENGLISH: ProbePairs = [
  ["What does the user do for a living?", "User works as a primary school teacher"],
  ["Which operating system does the user run?", "User runs Fedora Linux on all computers"],
  ["When is the user's birthday?", "User's birthday is on the second of June"],
  ["What sports does the user play?", "User plays tennis and volleyball at weekends"],
  ["How does the user take notes?", "User takes notes by hand in a paper notebook"],
  ["Which city is the company based in?", "The company has its head office in Rotterdam"],
];
/** As many as of the others together, for it is a scale of its own whatever the embedder knows. */
const CHINESE: ProbePairs = [
  ["用户住在哪里？", "用户住在成都"],
  ["用户喜欢什么音乐？", "用户喜欢听古典音乐"],
  ["用户养了什么宠物？", "用户家里有一只猫和两只鹦鹉"],
  ["用户冬天得了什么病？", "用户冬天得了肺炎"],
  ["用户怎么上班？", "用户骑自行车上班"],
  ["用户读什么书？", "用户爱读科幻小说和侦探小说"],
  ["用户是做什么工作的？", "用户是一名小学老师"],
  ["用户的电脑用哪种操作系统？", "用户的电脑都装了 Fedora Linux"],
  ["用户的生日是什么时候？", "用户的生日是六月二日"],
  ["用户做哪些运动？", "用户周末打网球和排球"],
  ["用户怎么记笔记？", "用户用纸质笔记本手写笔记"],
  ["公司在哪个城市？", "公司总部设在鹿特丹"],
];

/** What an embedder is probed with, in one call: question, statement, question, statement … */
export const PROBE_TEXTS: readonly string[] = [...RUSSIAN, ...ENGLISH, ...CHINESE].flat();

/** Nine of ten wrong answers in the question's language lie below it: a tail, since a store holds many wrong ones. */
const BACKGROUND_QUANTILE = 0.9;
/** Three of five right answers lie above it. Lower, and one odd pair of the twelve would decide for every search. */
const RELATED_QUANTILE = 0.4;

/**
 * Calibration by probe: where the cosines of an embedder lie, from the vectors of `PROBE_TEXTS` in their order. Models
 * differ far too much for one threshold (unrelated texts: .2 in text-embedding-3-small, .75 in ada-002), but each tells its
 * own scale by a dozen questions. Wrong pairs are taken within a language: across them even unlike texts look unlike
 * enough to hide how alike two Russian sentences are to a model that knows only English. Throws `invalid` for another
 * number of vectors.
 */
export function calibrationFrom(vectors: readonly Vector[]): Calibration {
  if (vectors.length !== PROBE_TEXTS.length)
    throw new MemoryError("invalid", `A calibration takes ${PROBE_TEXTS.length} vectors, not ${vectors.length}`);
  const [russianEnd, englishEnd] = [2 * RUSSIAN.length, 2 * (RUSSIAN.length + ENGLISH.length)];
  const russian = pairsWithin(vectors.slice(0, russianEnd));
  const english = pairsWithin(vectors.slice(russianEnd, englishEnd));
  const chinese = pairsWithin(vectors.slice(englishEnd));
  return { ...scalesOfBoth(russian, english), eastAsian: scaleOfPairs(chinese) };
}

/** False: of a probe of old, which did not ask in Chinese. It serves until the embedder is asked again. */
export const isCurrent = ({ eastAsian }: Calibration): boolean => eastAsian !== undefined;

/** One scale for both languages where the embedder knows both; else one for each, the unknown one trusted with nothing. */
function scalesOfBoth(russianPairs: readonly Pair[], englishPairs: readonly Pair[]): Calibration {
  const all = scaleOfPairs([...russianPairs, ...englishPairs]);
  if (isTrusted(all)) return all;
  const [russian, english] = [scaleOfPairs(russianPairs), scaleOfPairs(englishPairs)];
  if (isTrusted(russian) === isTrusted(english)) return all;
  return isTrusted(english) ? { ...english, cyrillic: all } : { ...all, cyrillic: russian };
}

interface Pair {
  readonly cosine: number;
  readonly isRight: boolean;
}

/** Every question of a language with every statement of it, from their vectors: question, statement, question … */
function pairsWithin(vectors: readonly Vector[]): readonly Pair[] {
  const questions = vectors.filter((_, at) => at % 2 === 0);
  const statements = vectors.filter((_, at) => at % 2 === 1);
  return questions.flatMap((question, asked) =>
    statements.map((statement, told) => ({ cosine: cosineOf(question, statement), isRight: asked === told })),
  );
}

function scaleOfPairs(pairs: readonly Pair[]): CosineScale {
  const cosinesOf = (isRight: boolean) => pairs.filter((pair) => pair.isRight === isRight).map(({ cosine }) => cosine);
  return {
    background: quantile(cosinesOf(false), BACKGROUND_QUANTILE),
    related: quantile(cosinesOf(true), RELATED_QUANTILE),
  };
}

/** Between the neighbours, linearly; `values` is not empty. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)] ?? 0;
  const high = sorted[Math.ceil(place)] ?? low;
  return low + (high - low) * (place - Math.floor(place));
}
