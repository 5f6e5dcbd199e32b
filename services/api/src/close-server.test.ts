import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import { closable } from "./close-server.ts";

const ANSWER_MS = 20;
/** Nothing here takes a tenth of it: who needs it was cut. */
const TIMEOUT_MS = 5_000;

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
let server: Server;
afterEach(() => {
  server.closeAllConnections();
});

async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
  server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function ask(url: string): Promise<{ body: string; connection: string | undefined }> {
  const [answer] = (await once(get(url, { agent }), "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of answer) body += String(chunk);
  return { body, connection: answer.headers.connection };
}

test("clients that never rest do not hold a stop up, and what was begun is answered", async () => {
  let begun = 0;
  const url = await listen((_request, response) => {
    begun += 1;
    setTimeout(() => response.end("all of it"), ANSWER_MS);
  });
  const close = closable(server);
  const answers: string[] = [];
  /** Asks on and on, until nobody is there any more. */
  const askOn = async (): Promise<void> => {
    const answer = await ask(url).catch(() => undefined);
    if (answer === undefined) return;
    answers.push(answer.body);
    await askOn();
  };
  const clients = Array.from({ length: 4 }, askOn);
  await sleep(5 * ANSWER_MS);
  await once(server, "request"); // so that one at least is under way
  const started = performance.now();
  await close({ timeoutMs: TIMEOUT_MS });
  expect(performance.now() - started).toBeLessThan(TIMEOUT_MS / 2);
  await Promise.all(clients);
  expect(answers).toEqual(Array.from({ length: begun }, () => "all of it"));
});

test("an answer whose headers are out already comes to its end, and its connection with it", async () => {
  let finish = (): void => undefined;
  const url = await listen((_request, response) => {
    response.write("first half, ");
    finish = () => void response.end("second half");
  });
  const close = closable(server);
  const answer = ask(url);
  await once(server, "request");
  const started = performance.now();
  const closed = close({ timeoutMs: TIMEOUT_MS });
  setTimeout(finish, ANSWER_MS);
  expect((await answer).body).toBe("first half, second half");
  await closed;
  expect(performance.now() - started).toBeLessThan(TIMEOUT_MS / 2);
});

test("a client that stays away in the middle of a request is cut", async () => {
  const url = await listen(() => undefined);
  const close = closable(server);
  const answer = ask(url);
  answer.catch(() => undefined);
  await once(server, "request");
  await close({ timeoutMs: ANSWER_MS });
  await expect(answer).rejects.toThrow(/socket hang up|ECONNRESET/);
});
