/** A way to a server that can be cut, made silent and dropped, since the server itself may be shared by all tests. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export type Proxy = {
  /** The target's address, by way of the proxy. */
  readonly url: string;
  /** Resets the connections that stand; new ones pass at once. */
  readonly reset: () => void;
  /** Ends all connections and refuses new ones, as a server that is being restarted does. */
  readonly cut: () => Promise<void>;
  /** Takes connections again after a cut, and lets pass what comes over new ones after a silence. */
  readonly restore: () => Promise<void>;
  /** Lets connections stand, takes new ones, and passes nothing on any more, as a machine that froze does. */
  readonly silence: () => void;
  /** Silences the connections that stand; new ones pass: what a firewall that forgot them does. */
  readonly drop: () => void;
  /** Lets pass everything, so many milliseconds later, until `restore`. */
  readonly delay: (delayMs: number) => void;
  readonly stop: () => Promise<void>;
};

/** Starts a proxy on a free port of 127.0.0.1 before the server of `target`, any address with a host and a port. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const dropped = new WeakSet<Socket>();
  let silent = false;
  let delayMs = 0;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    // What is late keeps its order: each piece waits for the one before.
    let last = Promise.resolve();
    const pass = (data: Buffer): void => {
      if (silent || dropped.has(from)) return;
      const due = Date.now() + delayMs;
      if (delayMs > 0) last = last.then(() => sleep(Math.max(0, due - Date.now())));
      void last.then(() => to.write(data));
    };
    const end = (): void => {
      sockets.delete(from);
      void last.then(() => to.destroy());
    };
    from.on("data", pass).on("error", end).on("close", end);
  };
  const start = async (own: number): Promise<Server> => {
    const server = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      join(client, upstream);
      join(upstream, client);
    });
    server.listen(own, "127.0.0.1");
    await once(server, "listening");
    return server;
  };
  let server = await start(0);
  const { port: own } = server.address() as AddressInfo;
  const url = new URL(target);
  url.host = `127.0.0.1:${own}`;

  const drop = (): void => {
    for (const socket of sockets) dropped.add(socket);
  };
  const cut = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: url.href,
    cut,
    stop: cut,
    drop,
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    delay(ms) {
      delayMs = ms;
    },
    async restore() {
      if (silent) drop();
      silent = false;
      delayMs = 0;
      if (!server.listening) server = await start(own);
    },
    silence() {
      silent = true;
    },
  };
}
