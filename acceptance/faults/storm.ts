/**
 * `npm run storm -- --seed 7 --minutes 20`: the whole service under fire, checked at every moment and at the end
 * (README.md beside this file).
 *
 * Options: --seed (a number; else one is drawn and printed), --minutes 20, --owners 8, --contenders 3, --observers 2,
 * --folder (keeps the journal, the logs and the report there; else they stay only when something was wrong), --quiet
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runStorm } from "./run-storm.ts";
import { toText } from "./report.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    minutes: { type: "string", default: "20" },
    owners: { type: "string", default: "8" },
    contenders: { type: "string", default: "3" },
    observers: { type: "string", default: "2" },
    folder: { type: "string" },
    quiet: { type: "boolean", default: false },
  },
});
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const folder = values.folder === undefined ? mkdtempSync(join(tmpdir(), "engram-storm-")) : resolve(values.folder);
mkdirSync(folder, { recursive: true });
process.stdout.write(`Storm with seed ${seed}, ${values.minutes} minutes, in ${folder}\n`);
process.once("SIGTERM", () => process.exit(128 + 15));
process.once("SIGINT", () => process.exit(128 + 2));

const report = await runStorm({
  seed,
  minutes: Number(values.minutes),
  owners: Number(values.owners),
  contenders: Number(values.contenders),
  observers: Number(values.observers),
  folder,
  tell: (line) => {
    if (!values.quiet) process.stdout.write(`${line}\n`);
  },
});
const text = toText(report);
writeFileSync(join(folder, "report.json"), `${JSON.stringify(report, undefined, 2)}\n`);
writeFileSync(join(folder, "report.txt"), text);
process.stdout.write(text);
if (report.violations.length === 0 && values.folder === undefined) rmSync(folder, { recursive: true, force: true });
else process.stdout.write(`Journal, logs and report are in ${folder}\n`);
process.exit(report.violations.length === 0 ? 0 : 1);
