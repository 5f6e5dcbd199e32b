import { describe, expect, test } from "@jest/globals";
import { whoAsks } from "./who.ts";

const who = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  whoAsks(body, (name) => headers[name]);
const model = "claude-3-5-sonnet@20240620";

describe("whoAsks", () => {
  test.each([
    ["user", { user: "anton", model }, {}],
    ["the header", { model }, { "x-user-id": "anton" }],
  ])("%s says it, and the model keeps its name", (_what, body, headers) => {
    expect(who(body, headers)).toEqual({ userId: "anton", sessionId: null, model: undefined });
  });

  test("else what follows the last @ of the model, which the provider does not see", () => {
    expect(who({ model: `${model}@anton` })).toEqual({ userId: "anton", sessionId: null, model });
  });

  test("a number is an id", () => {
    expect(who({ user: 4_242, model: "m" })?.userId).toBe("4242");
  });

  test.each([{ model: "m" }, { model: "m@" }, { model: "@m" }, { model: "m", user: "" }, { model: 5 }, { user: {} }])(
    "%j is nobody's",
    (body) => {
      expect(who(body)).toBeUndefined();
    },
  );

  test("an id that cannot be kept is refused", () => {
    expect(() => who({ user: "a\0b" })).toThrow(expect.objectContaining({ code: "invalid" }));
  });
});
