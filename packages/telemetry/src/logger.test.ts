import { describe, expect, test } from "@jest/globals";
import { createLogger } from "./index.ts";

function logged(level: string, write: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLogger({ level, name: "api", destination: { write: (line: string) => void lines.push(line) } }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("createLogger", () => {
  test("writes the level as a word, the time as ISO 8601, the process, the fields", () => {
    const [line] = logged("info", (logger) =>
      logger.child({ requestId: "r1" }).warn({ durationMs: 3 }, "Slow request"),
    );
    expect(line).toEqual({
      level: "warn",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      name: "api",
      requestId: "r1",
      durationMs: 3,
      msg: "Slow request",
    });
  });

  test("keeps to its level", () => {
    expect(logged("warn", (logger) => logger.info("Hello"))).toEqual([]);
    expect(logged("silent", (logger) => logger.fatal("Hello"))).toEqual([]);
  });

  test.each([
    { headers: { authorization: "Bearer s3cret" } },
    { req: { headers: { "x-api-key": "s3cret" } } },
    { content: "s3cret" },
    { body: { memories: [{ content: "s3cret" }] } },
    { options: { apiKey: "s3cret" } },
  ])("never shows the secret of %j", (fields) => {
    const [line] = logged("info", (logger) => logger.info(fields, "Request"));
    expect(JSON.stringify(line)).toContain("[redacted]");
    expect(JSON.stringify(line)).not.toContain("s3cret");
  });

  test("and leaves the caller's object as it is", () => {
    const fields = { body: { content: "s3cret" }, ids: ["a"] };
    const lines = logged("info", (logger) => logger.info(fields, "Request"));
    expect(JSON.stringify(lines)).not.toContain("s3cret");
    expect(lines[0]).toMatchObject({ ids: ["a"] });
    expect(fields.body.content).toBe("s3cret");
  });

  test("an error shows what it is, its causes, and none of the rows and requests that hang on it", () => {
    const cause = Object.assign(new Error("duplicate key"), { code: "23505", detail: "Key (content)=(s3cret)" });
    const err = Object.assign(new Error("put failed", { cause }), {
      request: { headers: { authorization: "s3cret" } },
    });
    const [line] = logged("info", (logger) => logger.error({ err }, "Write failed"));
    expect(line?.["err"]).toMatchObject({
      type: "Error",
      message: "put failed",
      cause: { message: "duplicate key", code: "23505" },
    });
    expect(JSON.stringify(line)).not.toContain("s3cret");
  });

  test("a chain of causes that bites its tail ends", () => {
    const err = new Error("round");
    err.cause = err;
    expect(logged("info", (logger) => logger.error({ err }, "Failed"))).toHaveLength(1);
  });
});
