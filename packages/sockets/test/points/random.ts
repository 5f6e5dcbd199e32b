/** Numbers by chance that are the same for the same seed. */
export interface Random {
  /** 0 to 1. */
  (): number;
}

/** mulberry32 */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pick<T>(random: Random, list: readonly T[]): T {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
}

/** Each of them with this chance. */
export function some<T>(random: Random, list: readonly T[], chance: number): T[] {
  return list.filter(() => random() < chance);
}
