/**
 * Lets one caller go on in each turn of the event loop, in the order in which they came. What long work makes others wait
 * for is then read from the sockets between two of them, and who was first is the first to be answered. Nobody waits where
 * nobody else has gone on in this turn.
 */
export function createTurns(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  let isTaken = false;
  const giveNext = (): void => {
    const next = waiting.shift();
    isTaken = next !== undefined;
    if (next === undefined) return;
    setImmediate(giveNext);
    next();
  };
  return () => {
    if (isTaken) return new Promise((resolve) => waiting.push(resolve));
    isTaken = true;
    setImmediate(giveNext);
    return Promise.resolve();
  };
}
