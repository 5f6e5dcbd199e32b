/** A TCP proxy that counts: what a client really moves over the wire, whatever its libraries do. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";

export interface CountingProxy {
  /** The given address with the proxy's host and port. */
  readonly url: string;
  /** Bytes in both directions since the last call. */
  take(): number;
  close(): void;
}

export async function countBytes(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target);
  let bytes = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on("data", (chunk) => {
        bytes += chunk.length;
      });
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href.replace(/\/$/, ""),
    take() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
    close: () => void server.close(),
  };
}
