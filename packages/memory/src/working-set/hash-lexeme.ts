/**
 * 64 bits of a word: two runs of FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv) over its code units, from different
 * beginnings and with MurmurHash3's finish. Of them 53 are compared: ten words of a question meet a wrong one among the 5,000
 * of a user once in 10^11 questions.
 */
export function hashLexeme(lexeme: string): readonly [low: number, high: number] {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let at = 0; at < lexeme.length; at++) {
    const unit = lexeme.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
    high ^= high >>> 15;
  }
  return [finish(low ^ lexeme.length), finish(high)];
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
