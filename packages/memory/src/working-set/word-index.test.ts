import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { patchWords, WordIndex, type WordsOfRow } from "./word-index.ts";

const WORDS = ["чай", "кофе", "tea", "constructor", "@2026-11-26"];
const words = fc.uniqueArray(fc.constantFrom(...WORDS), { maxLength: 4 });

/** Which rows stand under each word, told from the rows themselves. */
function standing(rows: readonly (readonly string[])[], lexeme: string) {
  return rows.flatMap((lexemes, row) => (lexemes.includes(lexeme) ? [[row, lexeme.length]] : []));
}

function found(index: WordIndex, lexeme: string) {
  const { places, counts } = index.find(lexeme) ?? { places: [], counts: [] };
  return Array.from(places, (row, at) => [row, counts[at]]).sort(([left = 0], [right = 0]) => left - right);
}

test("finds the rows of each word, whichever rows go, stay and come", () => {
  const patches = fc.array(fc.record({ staying: fc.array(fc.boolean()), coming: fc.array(words, { maxLength: 6 }) }));
  fc.assert(
    fc.property(patches, (steps) => {
      let rows: readonly (readonly string[])[] = [];
      let index = new WordIndex(0, 0);
      for (const { staying, coming } of steps) {
        const kept = rows.filter((_, row) => staying[row]);
        // Those that come stand between the others, so that these move.
        const next = [...kept];
        for (const [at, lexemes] of coming.entries()) next.splice(2 * at, 0, lexemes);
        const movedTo = Int32Array.from(rows, (lexemes) => next.indexOf(lexemes));
        const arrivals = coming.map((lexemes): WordsOfRow => ({
          row: next.indexOf(lexemes),
          lexemes,
          counts: lexemes.map((lexeme) => lexeme.length),
        }));
        index = patchWords(index, movedTo, arrivals);
        rows = next;
        for (const lexeme of WORDS) expect(found(index, lexeme)).toEqual(standing(rows, lexeme));
        expect(index.keys.length).toBe(new Set(rows.flat()).size);
      }
    }),
  );
});
