import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { fields, parse } from "./fields.ts";

const readTime = (text: string) => parse(z.object({ query_time: fields.query_time }), { query_time: text }).input;

describe("query_time", () => {
  test.each([
    ["2026-03-31T09:30:00+10:00", "2026-03-30T23:30:00.000Z", 600],
    ["2026-03-31T01:00:00+0300", "2026-03-30T22:00:00.000Z", 180],
    ["2026-03-30T20:00:00-03:30", "2026-03-30T23:30:00.000Z", -210],
    ["2026-03-31T09:30:00Z", "2026-03-31T09:30:00.000Z", 0],
    ["2026-03-31", "2026-03-31T00:00:00.000Z", 0],
  ])("%p is an instant and the asker's offset", (text, instant, offsetMinutes) =>
    expect(readTime(text)).toEqual({ query_time: { at: new Date(instant), offsetMinutes } }),
  );

  test.each(["soon", "2026-02-30", "2026-03-31T09:30:00+99:99"])("%p is refused by name", (text) =>
    expect(() => readTime(text)).toThrow("query_time: must be a time in ISO 8601"),
  );
});
