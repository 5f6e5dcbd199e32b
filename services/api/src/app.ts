import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Config } from "@engram/config";
import { MemoryError, type Once, type PutQueue, type SearchDeps } from "@engram/memory";
import type { Readiness, Sockets } from "@engram/sockets";
import type { Logger, Metrics } from "@engram/telemetry";
import cors from "cors";
import express, { type Express, type Request, type RequestHandler, type Response } from "express";
import type { Backlog } from "./backlog.ts";
import { authenticate, maybePrincipalOf, principalOf } from "./auth.ts";
import { errorHandler, methodNotAllowed, sendError } from "./http-error.ts";
import { IDEMPOTENCY_REPLAYED, keyedWrite } from "./keyed-write.ts";
import { memoryStatus } from "./memory-status.ts";
import { openapi } from "./openapi.ts";
import { chatCompletions, listModels } from "./proxy/chat-completions.ts";
import { requestId, requestIdOf } from "./request-id.ts";
import type { Route } from "./route.ts";
import { ROUTES } from "./routes/index.ts";

/** What the routes are handed. */
export interface ApiDeps {
  readonly config: Config;
  readonly keys: readonly string[];
  readonly version: string;
  readonly sockets: Sockets;
  readonly readiness: Readiness;
  /** Whether writes are taken or too much waits already. */
  readonly backlog: Backlog;
  readonly puts: PutQueue;
  /** Runs a write that its client may send again. */
  readonly once: Once;
  readonly search: SearchDeps;
  /** Tells the workers that so much is to be done: memories to be embedded, or talk to be read. Never blocks, never fails. */
  readonly ring: (pending: number, topic?: "embed" | "extract") => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const BODY_BYTES_MAX = "1mb";
const BULK_BODY_BYTES_MAX = "16mb";
/** Talk may hold pictures. */
const PROXY_BODY_BYTES_MAX = "32mb";

/** Bytes of another encoding would be kept as signs that say nothing. */
const JSON_BODY = {
  strict: false,
  verify: (_req: IncomingMessage, _res: ServerResponse, body: Buffer, encoding: string): void => {
    if (encoding === "utf-8" && !isUtf8(body)) throw new Error("not UTF-8");
  },
};

/** Answered without a key; a wrong key is refused here too. */
const OPEN_PATHS = new Set(["/api/health", "/livez", "/readyz", "/openapi.json", "/api/memory/status"]);

/** The HTTP service, without a port: main.ts gives it one, a test may not. */
export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);
  app.set("query parser", "simple");
  app.set("case sensitive routing", true);

  app.use(requestId, headers, observe(deps));
  if (deps.config.door.corsOrigins.length > 0)
    app.use(
      cors({
        origin: [...deps.config.door.corsOrigins],
        exposedHeaders: ["X-Request-Id", "Retry-After", IDEMPOTENCY_REPLAYED],
      }),
    );
  app.use(authenticate(deps.keys, (req) => OPEN_PATHS.has(req.path)));

  app.get("/api/health", (_req, res) => void res.json({ status: "ok", version: deps.version, timestamp: new Date() }));
  app.get("/livez", (_req, res) => void res.json({ status: "ok" }));
  app.get("/readyz", readyz(deps));
  app.get("/api/memory/status", memoryStatus(deps));
  const description = openapi(ROUTES, deps.version);
  app.get("/openapi.json", (_req, res) => void res.json(description));
  app.get(
    "/metrics",
    async (_req, res) => void res.type(deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics()),
  );
  for (const path of [...OPEN_PATHS, "/metrics"]) app.all(path, methodNotAllowed(["GET", "HEAD"]));

  // Bytes, before anything reads them as JSON of ours.
  app.post(
    "/v1/chat/completions",
    express.raw({ limit: PROXY_BODY_BYTES_MAX, type: () => true }),
    chatCompletions(deps),
  );
  app.get("/v1/models", listModels(deps));
  app.all("/v1/chat/completions", methodNotAllowed(["POST"]));
  app.all("/v1/models", methodNotAllowed(["GET", "HEAD"]));

  app.use("/api", requireEnabled(deps));
  app.use(jsonOnly);
  app.use("/api/memories/bulk", express.json({ ...JSON_BODY, limit: BULK_BODY_BYTES_MAX }));
  app.use(express.json({ ...JSON_BODY, limit: BODY_BYTES_MAX }));
  for (const route of ROUTES) app[route.method](route.path, handler(deps, route));
  for (const [path, methods] of methodsByPath()) app.all(path, methodNotAllowed(methods));

  app.use((_req, res) => sendError(res, 404, "Not found"));
  app.use(errorHandler(deps));
  return app;
}

function handler(deps: ApiDeps, route: Route): RequestHandler {
  return async (req, res) => {
    const principal = principalOf(res);
    const answer = await route.handle({
      deps,
      req,
      res,
      principal,
      requestId: requestIdOf(res),
      keyed: route.idempotent === true ? keyedWrite(req, principal) : undefined,
    });
    if (answer === undefined) return;
    if (answer.replayed === true) res.setHeader(IDEMPOTENCY_REPLAYED, "true");
    res.status(answer.status).json(answer.body);
  };
}

function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const { path, method } of ROUTES) {
    const known = methods.get(path) ?? [];
    methods.set(path, [...known, method.toUpperCase(), ...(method === "get" ? ["HEAD"] : [])]);
  }
  return methods;
}

const headers: RequestHandler = (_req, res, next) => {
  res.setHeader("X-Content-Type-Options", "nosniff");
  res.setHeader("Cache-Control", "no-store");
  next();
};

/** Metrics and one log line per request, by the route's pattern: never an id, never a body. */
function observe({ logger, metrics }: ApiDeps): RequestHandler {
  return (req, res, next) => {
    const started = performance.now();
    metrics.httpRequestsInFlight.inc();
    res.once("close", () => {
      metrics.httpRequestsInFlight.dec();
      const seconds = (performance.now() - started) / 1000;
      const route = routeOf(req);
      const status = res.writableFinished ? res.statusCode : 499; // the client went away
      metrics.httpRequestDuration.observe({ method: req.method, route, status: String(status) }, seconds);
      logger.info(
        { requestId: requestIdOf(res), method: req.method, route, status, durationMs: Math.round(seconds * 1e4) / 10 },
        "Request",
      );
    });
    next();
  };
}

function routeOf(req: Request): string {
  const route: unknown = req.route;
  const path: unknown = typeof route === "object" && route !== null && "path" in route ? route.path : undefined;
  return typeof path === "string" ? path : "unknown";
}

function readyz({ readiness, sockets }: ApiDeps): RequestHandler {
  return async (_req, res: Response) => {
    const { ready, states, problems } = await readiness.check(sockets);
    const details = maybePrincipalOf(res) === undefined ? {} : { chosen: sockets.chosen, problems };
    res
      .status(ready ? 200 : 503)
      .json({ status: ready ? "ready" : readiness.stopping ? "stopping" : "unavailable", sockets: states, ...details });
  };
}

function requireEnabled({ config, readiness }: ApiDeps): RequestHandler {
  return (_req, _res, next) => {
    if (!config.enabled) throw new MemoryError("unavailable", "Memory is switched off: MEM0_ENABLED is 0");
    if (!readiness.migrated) throw new MemoryError("unavailable", "The database is not ready yet; see /readyz");
    next();
  };
}

/** A body of another kind is refused before it is read; one without a kind is taken for JSON. */
const jsonOnly: RequestHandler = (req, _res, next) => {
  const type = req.get("content-type");
  const hasBody = req.get("transfer-encoding") !== undefined || Number(req.get("content-length") ?? 0) > 0;
  if (hasBody && type !== undefined && req.is(["json", "+json"]) === false)
    throw new MemoryError("unsupported", "The body must be JSON: send Content-Type: application/json");
  if (hasBody && type === undefined) req.headers["content-type"] = "application/json";
  next();
};
