/** Longer than any word, and than any token of OpenAI's encodings. */
const RUN_MAX = 128;

/** Letters, or what is neither letter nor digit: what a tokenizer takes for one word. Of digits it takes three at most. */
const LONG_RUN = new RegExp(String.raw`[\p{L}\p{M}]{${RUN_MAX}}|[^\p{L}\p{N}]{${RUN_MAX}}`, "gu");

/**
 * A text in pieces for a tokenizer, which takes the square of its length for a word: 5 s for 32,000 letters in a row. Cut
 * within such runs alone, after each 128 signs, so that what people write is one piece with the tokens that it has anyway,
 * and a run costs one token more for each cut at most.
 */
export function* tokenPieces(text: string): Generator<string> {
  let from = 0;
  for (const { 0: run, index } of text.matchAll(LONG_RUN)) {
    yield text.slice(from, index + run.length);
    from = index + run.length;
  }
  yield text.slice(from);
}
