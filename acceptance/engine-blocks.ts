// The commands of docs/ru/guide.md that want a Docker engine, each with its line: what somebody who has one goes through.
// node acceptance/engine-blocks.ts
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readBlocks } from "./examples.ts";

const page = readFileSync(join(import.meta.dirname, "..", "docs", "ru", "guide.md"), "utf8");
for (const { line, mark, script } of readBlocks(page, "bash")) {
  if (mark === "engine") console.log(`# line ${line}\n${script}\n`);
}
