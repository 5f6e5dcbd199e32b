import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that stands at the gate. */
export interface Caught {
  /** Lets it pass, whether or not whoever sent it still waits. */
  release(): void;
}

/** An HTTP proxy before a store or a provider that can hold one request back, so that what is "late" is late by design. */
export interface Gate {
  readonly url: string;
  /** Resolves with the first request from now on that `matches` says yes to; it waits until it is released. */
  catchNext(matches: (call: string, body: string) => boolean): Promise<Caught>;
  stop(): Promise<void>;
}

interface Trap {
  readonly matches: (call: string, body: string) => boolean;
  readonly spring: (caught: Caught) => void;
}

/** Opens a gate before the server of `target`; what follows the host there is kept. */
export async function openGate(target: string): Promise<Gate> {
  let traps: readonly Trap[] = [];
  const origin = new URL(target);
  const server = createServer((req, res) => {
    void (async () => {
      const body = await readBody(req);
      const call = `${req.method} ${req.url}`;
      const trap = traps.find((one) => one.matches(call, body.toString()));
      if (trap !== undefined) {
        traps = traps.filter((one) => one !== trap);
        await new Promise<void>((release) => trap.spring({ release }));
      }
      const headers = new Headers({ "content-type": req.headers["content-type"] ?? "application/json" });
      for (const name of ["authorization", "api-key"] as const) {
        const value = req.headers[name];
        if (typeof value === "string") headers.set(name, value);
      }
      const sent = req.method === "GET" || req.method === "HEAD" ? {} : { body };
      const answer = await fetch(new URL(req.url ?? "/", origin), { method: req.method ?? "GET", headers, ...sent });
      res.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "application/json" });
      res.end(Buffer.from(await answer.arrayBuffer()));
    })().catch(() => res.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${origin.pathname.replace(/\/$/, "")}`,
    catchNext: (matches) => new Promise((spring) => (traps = [...traps, { matches, spring }])),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
