import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import type { Logger } from "./logger.ts";

export interface MetricsServer {
  /** The port that it got, which may be a later one than was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  /** What else is served on this port. */
  readonly routes?: readonly InternalRoute[];
}

/** Answers GET and HEAD at `path` and below it; what it throws is logged and answered with 500. */
export interface InternalRoute {
  readonly path: string;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Enough for every process of one machine; further away nobody would look for it. */
const furtherPortsMax = 20;
/** A scraper sends one short request. */
const requestTimeoutMs = 10_000;

/**
 * Serves `GET /metrics` and `routes` without a key, for a port that is never published. Takes the next free port when this one is
 * taken (several processes on one machine) and logs which. Throws when none is free or the host is not ours.
 */
export async function serveMetrics(
  registry: Registry,
  { host, port, logger, routes = [] }: MetricsServerOptions,
): Promise<MetricsServer> {
  const served = [{ path: "/metrics", handle: showMetrics(registry) }, ...routes];
  const server = createServer((request, response) => {
    answer(served, request, response).catch((err: unknown) => {
      logger.error({ err }, "Internal page failed");
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end("Internal Server Error\n");
    });
  });
  server.requestTimeout = requestTimeoutMs;
  const got = await listenFrom(server, host, port);
  if (port !== 0 && got !== port)
    logger.warn({ wanted: port, port: got, host }, "Metrics port is taken, using the next free one");
  else logger.info({ port: got, host }, "Metrics are served");
  return { port: got, close: () => close(server) };
}

async function answer(
  routes: readonly InternalRoute[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const route = routes.find((one) => path === one.path || path.startsWith(`${one.path}/`));
  if (route === undefined) {
    response.writeHead(404).end("Not Found\n");
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end("Method Not Allowed\n");
  } else {
    await route.handle(request, response);
  }
}

function showMetrics(registry: Registry): InternalRoute["handle"] {
  return async (_request, response) => {
    const page = await registry.metrics();
    response.writeHead(200, { "content-type": registry.contentType }).end(page);
  };
}

async function listenFrom(server: Server, host: string, first: number): Promise<number> {
  const last = Math.min(first === 0 ? 0 : first + furtherPortsMax, 65_535);
  for (let port = first; port <= last; port += 1) {
    if (await listen(server, host, port)) return (server.address() as AddressInfo).port;
  }
  throw new Error(`METRICS_PORT: no port from ${first} to ${last} is free on ${host}`);
}

/** False when the port is taken. */
async function listen(server: Server, host: string, port: number): Promise<boolean> {
  server.listen(port, host);
  try {
    await once(server, "listening");
    return true;
  } catch (error) {
    if (typeof error === "object" && error !== null && "code" in error && error.code === "EADDRINUSE") return false;
    throw error;
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
