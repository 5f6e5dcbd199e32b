import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { MemoryError } from "@engram/memory";

/** Where the API is to listen: MEM0_HOST and MEM0_PORT. */
export interface Door {
  readonly host: string;
  readonly port: number;
}

/**
 * Listens there and gives the address as a client of this machine writes it, `http://127.0.0.1:3456`.
 *
 * @throws MemoryError in one line that names the setting and the cure, where the machine does not let us.
 */
export async function listen(server: Server, door: Door): Promise<string> {
  try {
    server.listen(door.port, door.host);
    await once(server, "listening");
  } catch (error) {
    throw translate(error, door);
  }
  const { port } = server.address() as AddressInfo;
  return urlOf({ host: door.host, port });
}

function urlOf({ host, port }: Door): string {
  const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}

function translate(error: unknown, { host, port }: Door): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const because = (text: string): MemoryError => new MemoryError("unavailable", text, { cause: error });
  switch (code) {
    case "EADDRINUSE":
      return because(
        `MEM0_PORT: port ${port} of ${host} is in use. Stop what listens there (another Engram?), or set another port: MEM0_PORT=${port + 1}`,
      );
    case "EACCES":
      return because(
        `MEM0_PORT: port ${port} needs more rights than this process has. Set one from 1024 on: MEM0_PORT=3456`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return because(
        `MEM0_HOST: ${host} is no address of this machine. Set MEM0_HOST=127.0.0.1, or 0.0.0.0 for all of them`,
      );
    default:
      return error;
  }
}
