import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface Proxy {
  /** Redis, by way of the proxy. */
  readonly url: string;
  /** Ends all connections and refuses new ones, as a Redis that is being restarted does. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /** Lets connections stand and passes nothing on any more, as a machine that froze does. */
  silence(): void;
}

/** A way to a Redis that can be cut and made silent, since the Redis itself is shared by all tests. */
export async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let silent = false;
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    const end = (): void => {
      sockets.delete(from);
      to.destroy();
    };
    from
      .on("data", (data) => !silent && to.write(data))
      .on("error", end)
      .on("close", end);
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
  return {
    url: `redis://127.0.0.1:${own}`,
    async cut() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async restore() {
      server = await start(own);
    },
    silence() {
      silent = true;
    },
  };
}
