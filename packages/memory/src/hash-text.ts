/**
 * 53 bits of a text, as many as a number holds: of two runs of FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv) over its code
 * units, from different beginnings and with MurmurHash3's finish. Ten words of a question meet a wrong one among the 5,000
 * of a user once in 10^11 questions; ten memories of an answer are different and yet have one hash between two of them once
 * in 10^14 answers.
 */
export function hashText(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
    high ^= high >>> 15;
  }
  return finish(low ^ text.length) * 2 ** 21 + (finish(high) >>> 11);
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
