import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { checkNodeVersion } from "./node-version.ts";

test.each(["18.20.8", "20.20.2", "21.7.3"])(
  "Node %s is told what it is, what is needed, and the way there",
  (version) => {
    expect(() => checkNodeVersion(version)).toThrow(
      `Engram needs Node 22 or newer, and this is ${version}. Start it with npm start`,
    );
  },
);

test.each(["22.0.0", "24.21.0", "100.0.0"])("Node %s will do", (version) => {
  expect(() => checkNodeVersion(version)).not.toThrow();
});

test("the scripts ask for the same", () => {
  const scripts = readFileSync(new URL("../../../scripts/run.mjs", import.meta.url), "utf8");
  expect(scripts).toContain("const nodeMajorMin = 22;\n");
});

test("a service that an older Node starts says so in one line and ends, before it opens anything", () => {
  const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });';
  const main = fileURLToPath(new URL("../../../services/api/dist/main.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", `data:text/javascript,${older}`, main], {
    encoding: "utf8",
    // With no configuration of the caller's.
    cwd: tmpdir(),
    env: {},
    timeout: 30_000,
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: "",
    stderr: expect.stringMatching(/^Engram needs Node 22 or newer, and this is 20\.20\.2\. .*\n$/),
  });
});
