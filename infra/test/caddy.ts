/** The shipped Caddyfiles under a real Caddy on loopback, in front of a server that tells what reaches it. */
import { mkdirSync, mkdtempSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort, startProcess, startServer } from "../../test-equipment/src/index.ts";

const SOURCES = join(import.meta.dirname, "..", "caddy");
const REQUEST_TIMEOUT_MS = 20_000;

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

export type Question = {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** The address of this machine that the question comes from. */
  readonly from?: string;
};

export type Front = {
  readonly ask: (path: string, question?: Question) => Promise<Answer>;
  readonly stop: () => Promise<void>;
};

/**
 * Starts Caddy with one of the shipped files, as it stands but for the ports. `env` as the compose files set it;
 * `upstreamPort` is where the API would be.
 */
export async function startFront(
  caddy: string,
  file: "Caddyfile" | "Caddyfile.lan",
  { upstreamPort, env = {} }: { upstreamPort: number; env?: Readonly<Record<string, string>> },
): Promise<Front> {
  const directory = mkdtempSync(join(tmpdir(), "engram-test-caddy-"));
  cpSync(SOURCES, join(directory, "caddy"), { recursive: true });
  const path = join(directory, "caddy", file);
  const shipped = readFileSync(path, "utf8");
  const isTls = file === "Caddyfile";
  const { port, running } = await startServer({
    name: `Caddy with ${file}`,
    start: async (port) => {
      const other = await findFreePort();
      const ports = isTls ? `https_port ${port}\n\thttp_port ${other}` : `http_port ${port}\n\thttps_port ${other}`;
      // The first brace alone on its line opens the global options.
      writeFileSync(path, shipped.replace(/^\{$/m, `{\n\tadmin off\n\tskip_install_trust\n\t${ports}`));
      mkdirSync(join(directory, "data"), { recursive: true });
      return startProcess({
        command: caddy,
        args: ["run", "--config", path, "--adapter", "caddyfile"],
        directory,
        stopSignal: "SIGTERM",
        env: {
          XDG_DATA_HOME: join(directory, "data"),
          XDG_CONFIG_HOME: join(directory, "data"),
          DOMAIN_NAME: "localhost",
          MEM0_UPSTREAM: `127.0.0.1 ${upstreamPort}`,
          ...env,
        },
      });
    },
    isReady: (port) =>
      send(port, isTls, "/metrics", {}).then(
        () => true,
        () => false,
      ),
  });
  return {
    ask: (path, question = {}) => send(port, isTls, path, question),
    stop: async () => {
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export type Api = {
  readonly port: number;
  /** The paths that came, oldest first. */
  readonly seen: readonly string[];
  readonly stop: () => Promise<void>;
};

/** In the API's place: answers 200 with headers that should not get out as they are, and the size of what came. */
export async function startApi(port = 0): Promise<Api> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? "");
    let size = 0;
    request.on("data", (chunk: Buffer) => (size += chunk.length));
    request.on("end", () => {
      response.setHeader("Server", "engram");
      response.setHeader("X-Frame-Options", "DENY");
      response.setHeader("Strict-Transport-Security", "max-age=1");
      response.end(String(size));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { port: portOf(server), seen, stop: () => close(server) };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function send(port: number, isTls: boolean, path: string, question: Question): Promise<Answer> {
  const { method = "GET", headers = {}, body, from } = question;
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      path,
      method,
      headers: { host: isTls ? "mem0.localhost" : "192.168.1.5", ...headers },
      agent: false,
      timeout: REQUEST_TIMEOUT_MS,
      ...(from === undefined ? {} : { localAddress: from }),
    } as const;
    // Its certificate is of Caddy's own making; who issued it is not what is asked here.
    const request = isTls
      ? httpsRequest({ ...options, servername: "mem0.localhost", rejectUnauthorized: false })
      : httpRequest(options);
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    request.end(body);
  });
}
