import { describe, expect, test } from "@jest/globals";
import type { Request } from "express";
import { upstreamAuthorization } from "./auth.ts";

const request = (headers: Record<string, string>) => ({ get: (name: string) => headers[name] }) as unknown as Request;
const given = (headers: Record<string, string>) => upstreamAuthorization(request(headers), ["first", "second"]);

describe("upstreamAuthorization", () => {
  test("the caller's own key of the provider goes along", () => {
    const authorization = "Bearer sk-of-the-caller";
    expect(given({ authorization, "x-api-key": "first" })).toEqual({ authorization });
  });

  test.each(["Bearer first", "Bearer second", "token second", "first"])("our own does not, as %j", (authorization) => {
    expect(given({ authorization, "x-api-key": "first" })).toEqual({});
    expect(given({ authorization })).toEqual({});
  });
});
