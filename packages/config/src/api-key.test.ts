import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ConfigError, ensureApiKey, loadConfig, type Config } from "./index.ts";

let cwd = "";
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "engram-key-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function load(env: Record<string, string> = {}): Config {
  return loadConfig(env, { cwd });
}

describe("ensureApiKey", () => {
  test("keys that are configured are taken, and no file is made", () => {
    expect(ensureApiKey(load({ MEM0_API_KEY: "a,b" }))).toEqual({ keys: ["a", "b"], created: false, file: undefined });
    expect(readdirSync(cwd)).toEqual([]);
  });

  test("else one is made once, for its owner alone", () => {
    const first = ensureApiKey(load());
    const file = join(cwd, "data", "api-key");
    expect(first).toEqual({ keys: [expect.stringMatching(/^engram_[\w-]{43}$/)], created: true, file });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toBe(`${first.keys[0]}\n`);
    expect(ensureApiKey(load())).toEqual({ ...first, created: false });
    expect(readdirSync(join(cwd, "data"))).toEqual(["api-key"]);
  });

  test("processes that start at once agree, and one of them made it", async () => {
    const script = `
      import { ensureApiKey, loadConfig } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
      console.log(JSON.stringify(ensureApiKey(loadConfig({}, { cwd: ${JSON.stringify(cwd)} }))));`;
    const run = () => promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    const answers = (await Promise.all([run(), run(), run()])).map((done): unknown => JSON.parse(done.stdout));
    const [{ keys }] = answers as [{ keys: string[] }];
    expect(answers).toEqual(answers.map(() => expect.objectContaining({ keys })));
    expect(answers.filter((answer) => (answer as { created: boolean }).created)).toHaveLength(1);
  });

  test("an empty file is told", () => {
    mkdirSync(join(cwd, "data"));
    writeFileSync(join(cwd, "data", "api-key"), "");
    expect(() => ensureApiKey(load())).toThrow(/api-key is empty; delete that file/);
  });

  test("a folder that cannot be made is told", () => {
    writeFileSync(join(cwd, "data"), "a file");
    expect(() => ensureApiKey(load())).toThrow(ConfigError);
    expect(() => ensureApiKey(load())).toThrow(/DATA_DIR: a key cannot be kept there .* or set MEM0_API_KEY/);
  });
});
