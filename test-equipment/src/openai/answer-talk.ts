/** Talk without a model: says what of its context shares most words with the question, or that it does not know. */
import type { ChatMessage } from "./chat-api.ts";

/** Of a word so much is compared: stems of Russian and English mostly show in their first letters. */
const STEM_CHARS = 4;
const QUESTION_WORDS = new Set(
  "как что кто где когда какой какая меня мне мой моя you your what where when who how the does did is are my".split(
    " ",
  ),
);

export function answerTalk(messages: readonly ChatMessage[]): string {
  const last = messages.at(-1);
  if (last?.role === "tool") return `The tool says: ${last.content}`;
  const question = messages.filter((message) => message.role === "user").at(-1)?.content ?? "";
  const asked = stemsOf(question);
  const lines = messages
    .slice(0, -1)
    .flatMap((message) => message.content.split("\n"))
    .map((line) => ({ line, score: [...stemsOf(line)].filter((stem) => asked.has(stem)).length }));
  const best = lines.reduce((left, right) => (right.score > left.score ? right : left), { line: "", score: 0 });
  return best.score === 0 ? `I do not know. You said: ${question}` : `I remember: ${best.line.trim()}`;
}

function stemsOf(text: string): ReadonlySet<string> {
  const words =
    text
      .toLowerCase()
      .replaceAll("ё", "е")
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Set(
    words.filter((word) => word.length >= 3 && !QUESTION_WORDS.has(word)).map((word) => word.slice(0, STEM_CHARS)),
  );
}
