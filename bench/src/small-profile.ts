/** What docker-compose.small.yaml starts, as processes of this machine: PostgreSQL, the API with its worker, Caddy in front. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  createTestDatabase,
  findFreePort,
  findTool,
  startOwnPostgres,
  startProcess,
  type OwnPostgres,
} from "@engram/test-equipment";
import { scratch, startService, type Service } from "./processes.ts";
import { until } from "./until.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const READY_TIMEOUT_MS = 30_000;

export interface SmallProfile {
  /** Caddy's address: what a client sees. */
  readonly url: string;
  readonly databaseUrl: string;
  readonly pids: { readonly mem0: number; readonly caddy: number };
  stop(): Promise<void>;
}

/** Everything that is to be limited is started here. `env` is mem0's, over what the image sets. */
export async function startSmallProfile(env: Readonly<Record<string, string>>): Promise<SmallProfile> {
  const postgres: OwnPostgres = await startOwnPostgres({ settings: readPostgresSettings() });
  const databaseUrl = (await createTestDatabase(postgres.url)).url;
  const mem0 = await startService("all-in-one", { DATABASE_URL: databaseUrl, ...env });
  const caddy = await startCaddy(Number(new URL(mem0.url).port));
  return {
    url: caddy.url,
    databaseUrl,
    pids: { mem0: mem0.pid, caddy: caddy.pid },
    async stop() {
      for (const part of [caddy, mem0, postgres]) await part.stop();
    },
  };
}

/** The command line of the file's PostgreSQL, with its defaults; but for the extension that only the image brings. */
function readPostgresSettings(): Record<string, string> {
  const file = readFileSync(join(repository, "docker-compose.small.yaml"), "utf8");
  const settings = [...file.matchAll(/^ +- ([a-z_]+)=(?:\$\{\w+:-(\w+)\}|(\S+))$/gm)].map(
    ([, name = "", byDefault, value = ""]) => [name, byDefault ?? value] as const,
  );
  const { shared_preload_libraries: _, ...rest } = Object.fromEntries(settings);
  if (rest["shared_buffers"] === undefined) throw new Error("docker-compose.small.yaml: no shared_buffers");
  return rest;
}

/** With the shipped file for a LAN, as it stands but for the ports. */
async function startCaddy(upstreamPort: number): Promise<Service> {
  const command = await findTool("caddy");
  if (command === undefined) throw new Error("caddy is needed");
  const [port, other] = [await findFreePort(), await findFreePort()];
  const directory = join(scratch, "caddy");
  cpSync(join(repository, "infra", "caddy"), directory, { recursive: true });
  const config = join(directory, "Caddyfile.lan");
  const ports = `{\n\tadmin off\n\tskip_install_trust\n\thttp_port ${port}\n\thttps_port ${other}`;
  // The first brace alone on its line opens the global options.
  writeFileSync(config, readFileSync(config, "utf8").replace(/^\{$/m, ports));
  const running = await startProcess({
    command,
    args: ["run", "--config", config, "--adapter", "caddyfile"],
    directory,
    stopSignal: "SIGTERM",
    env: { XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory, MEM0_UPSTREAM: `127.0.0.1 ${upstreamPort}` },
  });
  const url = `http://127.0.0.1:${port}`;
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/api/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("Caddy", isUp, { timeoutMs: READY_TIMEOUT_MS });
  return { pid: running.pid, url, stop: () => running.stop() };
}
