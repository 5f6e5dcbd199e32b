export interface Turns {
  /** Resolves in a turn of the event loop of its own. */
  take(): Promise<void>;
  /** Resolves for several at once: when nobody waits for a turn any more, or so many have gathered, or as many turns are over. */
  gather(): Promise<void>;
}

/**
 * So many go on together, though others still wait for their turn. With eight askers one statement for four spares half of the
 * database's time for a search (.30 instead of .60 ms) and a fifth of this process's (1.97 instead of 2.44); for eight
 * little more, and the first would wait for all.
 */
const GATHERED_MAX = 4;

/**
 * Lets one caller go on in each turn of the event loop, in the order in which they came. What long work makes others wait
 * for is then read from the sockets between two of them, and who was first is the first to be answered. Nobody waits where
 * nobody else has gone on in this turn. Whoever is to ask for something after that work gathers with those who come next,
 * so that it is asked for once; who is alone waits for nothing.
 */
export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  let gathered: (() => void)[] = [];
  /** Turns since the first of them gathered: those whose turn it was may have nothing to ask for. */
  let passed = 0;
  let isTaken = false;
  const release = (): void => {
    const all = gathered;
    gathered = [];
    passed = 0;
    for (const goOn of all) goOn();
  };
  const giveNext = (): void => {
    const next = waiting.shift();
    isTaken = next !== undefined;
    if (gathered.length > 0) passed += 1;
    if (next === undefined || passed >= GATHERED_MAX) release();
    if (next === undefined) return;
    setImmediate(giveNext);
    next();
  };
  return {
    take() {
      if (isTaken) return new Promise((resolve) => waiting.push(resolve));
      isTaken = true;
      setImmediate(giveNext);
      return Promise.resolve();
    },
    gather() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gathered.push(resolve);
      if (waiting.length === 0 || gathered.length >= GATHERED_MAX) release();
      return promise;
    },
  };
}
