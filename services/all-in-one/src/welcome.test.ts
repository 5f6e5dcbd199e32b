import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stderr } from "node:process";
import { afterEach, expect, jest, test } from "@jest/globals";
import { welcome } from "./welcome.ts";

const folder = mkdtempSync(join(tmpdir(), "engram-welcome-"));
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

test("the line to paste reads the key from a folder of any name", () => {
  const home = join(folder, "мой 'engram' $1");
  mkdirSync(home);
  const file = join(home, "api-key");
  writeFileSync(file, "the-key");
  const written = jest.spyOn(stderr, "write").mockReturnValue(true);
  welcome("http://127.0.0.1:3456", { keys: ["the-key"], created: false, file });
  const [, header] = /-H ("Authorization.*?") -H/.exec(String(written.mock.calls[0]?.[0])) ?? [];
  const read = execFileSync("sh", ["-c", `printf %s ${header}`], { encoding: "utf8" });
  expect(read).toBe("Authorization: Bearer the-key");
});
