import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { lockFolder } from "../src/lock-file.ts";

describe("lockFolder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "engram-lock-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("a folder of a living process is refused, naming it", async () => {
    const other = spawn("sleep", ["30"]);
    await writeFile(join(folder, "engram.lock"), String(other.pid));
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`process ${other.pid}`),
    });
    other.kill();
    await once(other, "exit");
  });

  test("the lock of a process that is gone is taken over", async () => {
    const other = spawn("true");
    await once(other, "exit");
    await writeFile(join(folder, "engram.lock"), String(other.pid));
    const lock = await lockFolder(folder);
    await lock.unlock();
    await (await lockFolder(folder)).unlock();
  });
});
