/**
 * The client of the write benchmark, in a process of its own: for each order from the parent, so many connections in a
 * closed loop (each sends its next write when the last is answered) for so long, after a warm-up that does not count.
 */
import { Connection } from "./connection.ts";
import { createRandom, makeStatement } from "./sentences.ts";

export interface WriteOrder {
  readonly url: string;
  readonly connections: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Numbers the contents: those of two orders of one run are never equal. */
  readonly firstNumber: number;
}

export interface WriteOutcome {
  /** Answered 201 within the measured time. */
  readonly accepted: number;
  /** Answered 201 from beginning to end: what the database's counters saw. */
  readonly acceptedInAll: number;
  /** Any other answer. */
  readonly refused: number;
  readonly seconds: number;
  readonly latenciesMs: readonly number[];
  readonly nextNumber: number;
}

const USERS = 100;

process.on("message", (order: WriteOrder) => {
  void run(order).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function run(order: WriteOrder): Promise<WriteOutcome> {
  const connections = await Promise.all(Array.from({ length: order.connections }, () => Connection.open(order.url)));
  const random = createRandom(order.firstNumber);
  const begin = performance.now() + order.warmUpSeconds * 1000;
  const end = begin + order.seconds * 1000;
  const latenciesMs: number[] = [];
  let number = order.firstNumber;
  let [acceptedInAll, refused] = [0, 0];

  await Promise.all(
    connections.map(async (connection) => {
      for (let sent = performance.now(); sent < end; sent = performance.now()) {
        const { content, type } = makeStatement(number++, random);
        const body = JSON.stringify({
          user_id: `user-${number % USERS}`,
          type,
          content,
          metadata: { source: "bench", n: number },
        });
        const { status } = await connection.ask({ method: "POST", path: "/api/memories", body });
        const answered = performance.now();
        if (status !== 201) refused += 1;
        else acceptedInAll += 1;
        if (status === 201 && answered >= begin && answered < end) latenciesMs.push(answered - sent);
      }
    }),
  );
  for (const connection of connections) connection.close();
  return {
    accepted: latenciesMs.length,
    acceptedInAll,
    refused,
    seconds: order.seconds,
    latenciesMs,
    nextNumber: number,
  };
}
