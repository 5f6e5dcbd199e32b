// FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv), over UTF-16 units.
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** A 32-bit hash of `text`, different for each `seed`. FNV-1a, its low bits mixed by murmur3's finaliser. */
export function hash32(text: string, seed: number): number {
  let hash = FNV_OFFSET ^ seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  // fmix32 (https://github.com/aappleby/smhasher): without it neighbouring n-grams would fall into neighbouring places.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
