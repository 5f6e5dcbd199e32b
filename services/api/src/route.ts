import type { Request, Response } from "express";
import type { z } from "zod";
import type { ApiDeps } from "./app.ts";
import type { Principal } from "./auth.ts";

export interface RouteContext {
  readonly deps: ApiDeps;
  readonly req: Request;
  readonly res: Response;
  readonly principal: Principal;
  readonly requestId: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** One route: what Express registers, and what /openapi.json tells of it. */
export interface Route {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** Express's form, `/api/memories/:id`. */
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodObject;
  readonly query?: z.ZodObject;
  handle(context: RouteContext): Promise<Answer>;
}

export function defineRoute(route: Route): Route {
  return route;
}

/** A parameter of the path, decoded. */
export function param(req: Request, name: string): string {
  const value = req.params[name];
  return typeof value === "string" ? value : "";
}
