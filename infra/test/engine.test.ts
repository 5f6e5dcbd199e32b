import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { readBlocks } from "../../acceptance/examples.ts";
import { toRun } from "../engine/guide/command.ts";
import { installation } from "../engine/guide/install.ts";
import { maintenance } from "../engine/guide/maintenance.ts";
import { EXCEPTIONS, MARKS, PAGES, readPage } from "../engine/guide/page.ts";
import { trouble } from "../engine/guide/trouble.ts";
import { readMounts } from "../engine/scratch.ts";
import { compareAnswers, drillMemories, drillQuestions } from "../engine/searches.ts";
import { STAND_INS } from "../engine/stand-ins.ts";
import { Undo } from "../engine/undo.ts";
import { isWell, toTable, type Verdict } from "../engine/verdicts.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const commands = [...installation, ...maintenance, ...trouble];
const operations = MARKS.flatMap((mark) => readPage("operations", mark));
const pages = [...readPage("page"), ...operations];

describe("the guide's commands", () => {
  test("each has its own number, in the order of the guide", () => {
    const order = (id: string): number => {
      const [chapter = 0, place = 0] = id.split(".").map(Number);
      return chapter * 1_000 + place;
    };
    const numbers = commands.map(({ id }) => order(id));
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
  });

  test("each that is replaced, or not run, says why, and docs/operations.md has it", () => {
    const docs = read("docs/operations.md");
    const unsaid = commands.filter(
      ({ instead, notRun }) => (instead ?? notRun) !== undefined && (instead?.why ?? notRun) === "",
    );
    expect(unsaid).toEqual([]);
    const missing = commands.filter(({ id, instead }) => instead !== undefined && !docs.includes(`| ${id} `));
    expect(missing.map(({ id }) => id)).toEqual([]);
  });

  test("what is run has the drill's names and no placeholder of the guide", () => {
    const names = { folder: "/scratch", domain: "localhost", key: "the-key", password: "secret", date: "20260102" };
    const texts = [...commands, ...pages]
      .filter(({ notRun }) => notRun === undefined)
      .map((command) => toRun(command, names));
    expect(texts.filter((text) => /yourdomain|YOUR_|your_|20250518|(?<!app)(?<=[\s"=])\/opt\//.test(text))).toEqual([]);
    expect(texts).toContain("docker compose -f /scratch/mem0-docker-compose.yaml down");
  });
});

describe("the pages that we ship", () => {
  test("each exception is of one block of a page, and docs/operations.md has it", () => {
    for (const { has } of EXCEPTIONS) {
      const found = pages.filter(({ written }) => written.includes(has)).map(({ id }) => id.split(" ")[0]);
      expect({ has, found: [...new Set(found)] }).toEqual({ has, found });
      expect({ has, isFound: found.length > 0 }).toEqual({ has, isFound: true });
    }
    const docs = read("docs/operations.md").replaceAll(/\s+/g, " ");
    expect(EXCEPTIONS.filter(({ why }) => !docs.includes(why)).map(({ has }) => has)).toEqual([]);
  });

  test("each block is run, whole or in part, or says why it is not", () => {
    expect(pages.length).toBeGreaterThan(28);
    for (const { id, notRun, instead, run, written } of pages) {
      const ways = [notRun, instead?.command, run].filter((way) => way !== undefined && way.trim() !== "");
      expect({ id, ways: ways.length }).toEqual({ id, ways: 1 });
      if (run !== undefined) expect(run.split("\n").slice(2)).toHaveLength(written.split("\n").length);
    }
  });
});

describe("docs/operations.md", () => {
  const blocks = readBlocks(read(PAGES.operations), "bash");

  test("every command is run by the drill, on the stack that it is about", () => {
    const followed = operations.map(({ id }) => Number(id.replace("operations ", "")));
    expect(followed.toSorted((one, other) => one - other)).toEqual(blocks.map(({ line }) => line));
  });

  test.each(blocks)("line $line is read by bash", ({ script }) => {
    expect(spawnSync("bash", ["-n", "-c", script], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("what the drill has made", () => {
  test("is taken away once, the last first, whatever becomes of the others", async () => {
    const undo = new Undo();
    const taken: string[] = [];
    undo.add("the folder", async () => void taken.push("folder"));
    undo.add("the engine", () => Promise.reject(new Error("it hangs")));
    undo.add("the stack", async () => void taken.push("stack"));
    const [first, second] = await Promise.all([undo.run(), undo.run()]);
    expect(taken).toEqual(["stack", "folder"]);
    expect([first, second]).toEqual([["the engine: it hangs"], ["the engine: it hangs"]]);
  });

  test("a program that is abandoned is ended, nothing begins after it but what cleans up", async () => {
    const script = `import { abandonAll, run } from ${JSON.stringify(join(root, "infra/engine/shell.ts"))};
      let pid = 0;
      const settled = [];
      void run("sh", ["-c", "echo $$ > pid; exec sleep 600"]).then(() => settled.push("the one before"));
      const { existsSync, readFileSync } = await import("node:fs");
      while (!existsSync("pid") || readFileSync("pid", "utf8") === "") await new Promise(setImmediate);
      abandonAll();
      void run("true", []).then(() => settled.push("the one after"));
      await run("sh", ["-c", "while kill -0 $(cat pid) 2>/dev/null; do sleep 0.05; done"], { isCleanup: true });
      console.log(JSON.stringify(settled));`;
    const folder = mkdtempSync(join(tmpdir(), "engram-test-abandon-"));
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: folder,
    });
    rmSync(folder, { recursive: true });
    expect(stdout).toBe("[]\n");
  });

  test("mounts are read with their blanks", () => {
    const line = (path: string) => `34 29 0:30 / ${path} rw,nosuid shared:16 - tmpfs tmpfs rw`;
    expect(readMounts(`${line("/run")}\n${line("/tmp/a\\040b")}\n`)).toEqual(["/run", "/tmp/a b"]);
  });
});

describe("the stand-in images", () => {
  test("every image that the stack names and cannot be built has one", () => {
    const files = ["docker-compose.yaml", "docker-compose.small.yaml", "Dockerfile"].map(read).join("\n");
    const named = [...files.matchAll(/^ +image: (\S+)$|^FROM (\S+)/gm)].map(([, one, other]) => one ?? other ?? "");
    const wanted = named.filter((image) => !image.startsWith("${") && !/^(prom|grafana)\//.test(image));
    expect(wanted.length).toBeGreaterThan(0);
    expect([...new Set(wanted)].filter((image) => !Object.hasOwn(STAND_INS, image))).toEqual([]);
  });
});

describe("the searches of the drill", () => {
  test("no two memories of a user are alike, and every user is asked", () => {
    const memories = drillMemories().map(({ user_id, content }) => `${user_id} ${content}`);
    expect(new Set(memories).size).toBe(memories.length);
    expect(new Set(drillQuestions().map(({ user_id }) => user_id))).toEqual(
      new Set(drillMemories().map(({ user_id }) => user_id)),
    );
    expect(new Set(drillQuestions().map((question) => JSON.stringify(question))).size).toBe(100);
  });

  test("another order, another score and a missing answer are differences", () => {
    const before = drillQuestions().map(() => ["a 0.9000", "b 0.8000"]);
    expect(compareAnswers(before, structuredClone(before))).toEqual([]);
    const after = structuredClone(before);
    after[3] = ["b 0.8000", "a 0.9000"];
    after[5] = ["a 0.9000", "b 0.7000"];
    after.pop();
    expect(compareAnswers(before, after).map(({ question }) => drillQuestions().indexOf(question))).toHaveLength(3);
  });
});

describe("the verdicts", () => {
  const ok: Verdict = { part: "kill", what: "mem0", verdict: "ok", note: "3.1 s" };

  test("one failure, or nothing at all, is no success", () => {
    expect(isWell([ok, { ...ok, verdict: "replaced" }, { ...ok, verdict: "not run" }])).toBe(true);
    expect(isWell([ok, { ...ok, verdict: "FAILED" }])).toBe(false);
    expect(isWell([])).toBe(false);
  });

  test("the table has a line for each and counts them", () => {
    const table = toTable([ok, { part: "guide 8.1", what: "a\n  b", verdict: "FAILED", note: "code 1" }]).split("\n");
    expect(table[0]).toBe("kill       ok        mem0  3.1 s");
    expect(table[1]).toBe("guide 8.1  FAILED    a b  code 1");
    expect(table[2]).toBe("1 ok, 0 replaced, 0 not run, 1 FAILED");
  });
});
