import { ensureApiKey, type Config } from "@engram/config";
import type { SocketName, SocketState, Sockets } from "@engram/sockets";
import { trouble, type Finding } from "./finding.ts";

const TIMEOUT_MS = 5_000;

/** What `/readyz` tells to whoever has the key. */
interface Readyz {
  readonly sockets: Readonly<Record<SocketName, SocketState>>;
  readonly chosen: Sockets["chosen"];
  readonly problems: readonly { readonly message: string; readonly cure: string }[];
}

/**
 * What the Engram that runs with this configuration says of its sockets: the embedded database is its alone, so nobody
 * else can look. Undefined when nothing of the kind answers.
 */
export async function askRunning(config: Config): Promise<readonly Finding[] | undefined> {
  const { host, port } = config.door;
  const address = `${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`;
  try {
    const headers = { "x-api-key": ensureApiKey(config).keys[0] ?? "" };
    const answer = await fetch(`http://${address}/readyz`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { sockets, chosen, problems } = (await answer.json()) as Readyz;
    return [
      { socket: "engram", ok: true, text: `runs on ${address}, and says:` },
      ...(Object.keys(chosen) as SocketName[]).map((socket) => {
        const state = sockets[socket];
        return { socket, ok: state === "ok", text: `${chosen[socket]}: ${state}` };
      }),
      ...problems.map((problem) => trouble("settings", problem)),
    ];
  } catch {
    return undefined;
  }
}
