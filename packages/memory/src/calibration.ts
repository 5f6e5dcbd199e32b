import type { Calibration } from "./ports.ts";

/**
 * Questions and the memories that answer them, as an embedder is asked of them in daily use: some share their words,
 * some only their meaning. Subjects are far apart, so that every other statement is a wrong answer to a question.
 */
const PROBE_PAIRS: readonly (readonly [question: string, statement: string])[] = [
  ["Где живёт пользователь?", "Пользователь живёт в Новосибирске"],
  ["Какую музыку любит пользователь?", "Пользователь любит слушать классическую музыку"],
  ["Какие у пользователя домашние животные?", "У пользователя есть кошка и два попугая"],
  ["Чем пользователь болел зимой?", "Зимой пользователь перенёс воспаление лёгких"],
  ["На чём пользователь ездит на работу?", "На работу пользователь ездит на велосипеде"],
  ["Какие книги читает пользователь?", "Пользователь читает научную фантастику и детективы"],
  ["What does the user do for a living?", "User works as a primary school teacher"],
  ["Which operating system does the user run?", "User runs Fedora Linux on all computers"],
  ["When is the user's birthday?", "User's birthday is on the second of June"],
  ["What sports does the user play?", "User plays tennis and volleyball at weekends"],
  ["How does the user take notes?", "User takes notes by hand in a paper notebook"],
  ["Which city is the company based in?", "The company has its head office in Rotterdam"],
];

/** What an embedder is probed with, in one call: question, statement, question, statement … */
export const PROBE_TEXTS: readonly string[] = PROBE_PAIRS.flat();
export function calibrationFrom(_: unknown): Calibration { return { background: 0.2, related: 0.5 }; }
