import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { dropGarbage } from "./heap.ts";

const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
const { config } = JSON.parse(read("package.json")) as { config: { environment: Record<string, string> } };

test("dropGarbage collects what nobody holds any more, and leaves no door to it open", async () => {
  const dropped = new WeakRef({ held: false });
  const held = { held: true };
  const kept = new WeakRef(held);
  // A reference that was just made is strong until the turn has ended.
  await nextTurn();
  dropGarbage();
  expect([dropped.deref(), kept.deref()]).toEqual([undefined, held]);
  expect(globalThis).not.toHaveProperty("gc");
});

test("in the environment that a service is started with, the young generation has 32 MiB, however much survives in it", () => {
  const youngBytes = `
    const kept = Array.from({ length: 2_000_000 }, (_, i) => ({ i }));
    const { space_size } = require("node:v8").getHeapSpaceStatistics().find((space) => space.space_name === "new_space");
    console.log(kept.length && space_size);`;
  const { stdout } = spawnSync(process.execPath, ["-e", youngBytes], { encoding: "utf8", env: config.environment });
  expect(Number(stdout)).toBe(32 * 1024 * 1024);
});

test("the image has the same environment", () => {
  for (const [name, value] of Object.entries(config.environment))
    expect(read("Dockerfile")).toContain(`  ${name}=${value} \\\n`);
});
