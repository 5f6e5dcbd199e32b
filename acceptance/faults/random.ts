/** Where all chance of a storm comes from: the same seed, the same choices, as far as timing lets it. */
export interface Random {
  /** 0 or more, less than 1. */
  next(): number;
  /** A whole number, both bounds included. */
  between(min: number, max: number): number;
  /** True in so many of all cases, 0..1. */
  chance(share: number): boolean;
  /** One of the items; throws when there is none. */
  pick<Item>(items: readonly Item[]): Item;
  /** One of the keys, each as often as its weight says. */
  weigh<Key extends string>(weights: Readonly<Record<Key, number>>): Key;
}

/** mulberry32, begun at `seed` and `name`: parts of a storm that are named differently do not disturb each other. */
export function seeded(seed: number, name: string): Random {
  let state = seed;
  for (const char of name) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 0x0100_0193) | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(next() * items.length)];
    if (item === undefined) throw new Error("Nothing to pick from");
    return item;
  };
  return {
    next,
    between: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (share) => next() < share,
    pick,
    weigh(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][];
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [key, weight] of entries) if ((left -= weight) < 0) return key;
      return pick(entries)[0];
    },
  };
}
