import { describe, expect, test } from "@jest/globals";
import { addressFault } from "./address.ts";

const postgres = ["postgres", "postgresql"];

describe("addressFault", () => {
  test.each([
    "postgresql://postgres:secret@db:5432/mem0",
    "postgres://db/mem0",
    "postgres://u@db/mem0?sslmode=require",
    "postgresql://postgres:p%40ss%2Fword@db:5432/mem0",
    "postgresql://u:a:b@db/mem0",
    "postgresql://postgres.abc:[YOUR-PASSWORD]@aws-0-eu.pooler.supabase.com:6543/postgres",
    "postgresql://postgres:YOUR_PASSWORD@db.xxxxxxxxxxxx.supabase.co:5432/postgres",
    "postgresql:///mem0?host=/var/run/postgresql&user=postgres",
    "postgres://db:5432/mem0?user=a@b",
    "postgres://[::1]:5432/mem0",
  ])("takes %s", (address) => {
    expect(addressFault(address, postgres)).toBeUndefined();
  });

  test.each([
    ["postgres://u:p@ss@db/mem0", '"@" as %40'],
    ["postgres://u:pa/ss@db:5432/mem0", '"/" as %2F'],
    ["postgres://u:12/ss@db:5432/mem0", '"/" as %2F'],
    ["postgres://u:pa?ss@db/mem0", '"?" as %3F'],
    ["postgres://u:pa#ss@db/mem0", '"#" as %23'],
    ["postgres://u:50%off@db/mem0", '"%" as %25'],
    ["postgres://u:a b@db/mem0", '" " as %20'],
    ["postgres://u:a@b@db/mem0?x=#", '"@" as %40'],
  ])("says how to escape %s", (address, cure) => {
    expect(addressFault(address, postgres)).toContain(cure);
  });

  test.each([
    ["mysql://db/mem0", "postgres:// or postgresql://"],
    ["localhost:5432", "must start with"],
    ["postgres://db:port/mem0", "not a valid address"],
    ["postgres:///mem0", "names no host"],
    ["postgres://db/mem0#x", "%23"],
  ])("refuses %s", (address, problem) => {
    expect(addressFault(address, postgres)).toContain(problem);
  });

  test("never repeats the password", () => {
    expect(addressFault("postgres://u:hunter2@secret@db/mem0", postgres)).not.toMatch(/hunter2|secret/);
  });
});
