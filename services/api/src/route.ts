import type { Request, Response } from "express";
import type { KeyedWrite } from "@engram/memory";
import type { z } from "zod";
import type { ApiDeps } from "./app.ts";
import type { Principal } from "./auth.ts";

export interface RouteContext {
  readonly deps: ApiDeps;
  readonly req: Request;
  readonly res: Response;
  readonly principal: Principal;
  readonly requestId: string;
  /** The request's Idempotency-Key, on a route that is `idempotent`: to be handed to `deps.once`. */
  readonly keyed: KeyedWrite | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** True: the answer of an earlier request with the same Idempotency-Key. */
  readonly replayed?: boolean;
}

/** One route: what Express registers, and what /openapi.json tells of it. */
export interface Route {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** Express's form, `/api/memories/:id`. */
  readonly path: string;
  readonly summary: string;
  /** Of the answer when all is well; 200 unless told otherwise. */
  readonly status?: number;
  readonly body?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** True: takes an Idempotency-Key. Its handler runs the write through `deps.once` and answers from that result alone. */
  readonly idempotent?: boolean;
  /** Undefined: the route has answered by itself, piece by piece. */
  handle(context: RouteContext): Promise<Answer | undefined>;
}

export function defineRoute(route: Route): Route {
  return route;
}

/** A parameter of the path, decoded. */
export function param(req: Request, name: string): string {
  const value = req.params[name];
  return typeof value === "string" ? value : "";
}
