/** The blocks of our own pages that want an engine, as commands of the drill; the guide's others are run by the acceptance tests. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readBlocks } from "../../../acceptance/examples.ts";
import type { GuideCommand } from "./command.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
/** By what their blocks are called in the drill. */
export const PAGES = { page: "docs/ru/guide.md", operations: "docs/operations.md" } as const;
/** Which stack a block wants: that of `setup.sh`, with its secrets in files, or the container beside another. */
export const MARKS = ["engine", "engine hardened", "engine beside"] as const;
/** The page's own date of a backup, as the guide's chapters have theirs. */
const DATE_OF_PAGE = /20251125/g;
const DATE_OF_GUIDE = "20250518";

interface Exception {
  /** Stands in one block of a page alone. */
  readonly has: string;
  /** Lines that are left out; without them the whole block is not run. */
  readonly without?: RegExp;
  readonly why: string;
}

/** What cannot be run as it stands, and why. */
export const EXCEPTIONS: readonly Exception[] = [
  { has: "git clone", why: "wants the repository's address; `setup.sh` from a copy is the first part of the drill" },
  { has: "sudo nano", without: /nano/, why: "without the editor" },
  { has: "git pull", without: /git pull/, why: "without `git pull`, since the drill's copy is no clone" },
  {
    has: "OPENAI_API_KEY=sk-",
    without: /api\.openai\.com|sk-|your_openai_api_key/,
    why: "without what wants the internet and a key: the program is there (guide 8.34), a refused key is shown by the acceptance tests",
  },
  { has: "connect app-network n8n", why: "wants an n8n of one's own" },
  { has: "npm run engine", why: "the block that is the drill itself" },
];

/** In the order of the page, each with its line as number. */
export function readPage(name: keyof typeof PAGES, stack: (typeof MARKS)[number] = "engine"): readonly GuideCommand[] {
  const blocks = readBlocks(readFileSync(join(ROOT, PAGES[name]), "utf8"), "bash").filter(({ mark }) => mark === stack);
  return blocks.map(({ line, script }) => toCommand(`${name} ${line}`, script));
}

function toCommand(id: string, script: string): GuideCommand {
  const command = { id, written: script, isAfterStart: true } as const;
  const exception = EXCEPTIONS.find(({ has }) => script.includes(has));
  if (exception !== undefined && exception.without === undefined) return { ...command, notRun: exception.why };
  const { without } = exception ?? {};
  const lines = script.split("\n").filter((one) => without?.test(one) !== true);
  const run = `set -e\nexport BACKUP_DIR=/opt/backups\n${toDrill(lines.join("\n"))}`;
  // The names are not the page's business, so a block that is run whole counts as run as written.
  return exception === undefined ? { ...command, run } : { ...command, instead: { command: run, why: exception.why } };
}

/** In the drill the checkout and the folder of the stack are one. */
function toDrill(script: string): string {
  return script
    .replaceAll("/opt/engram/", "/opt/")
    .replaceAll("/opt/engram", "/opt/.")
    .replaceAll(DATE_OF_PAGE, DATE_OF_GUIDE);
}
