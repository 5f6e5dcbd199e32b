/** The drill's scratch folder, and what programs mount below it: the engine its containers, debootstrap its /proc. */
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { must } from "./shell.ts";

const MOUNTS = "/proc/self/mountinfo";
/** Where a system has them: every network device is a folder there. */
const DEVICES = "/sys/class/net";

/** Unmounts what is below the folder, the last mounted first, and removes it. */
export async function removeFolder(folder: string): Promise<void> {
  for (const path of mountsBelow(realpathSync(folder)).toReversed())
    await must("umount", ["--lazy", path], { isCleanup: true });
  rmSync(folder, { recursive: true, force: true });
}

/** The bridges and their ends that engines make. */
export function findDevices(): readonly string[] {
  if (!existsSync(DEVICES)) return [];
  return readdirSync(DEVICES).filter((name) => /^(br-|veth)/.test(name));
}

/** In the order in which they were mounted. */
function mountsBelow(folder: string): readonly string[] {
  if (!existsSync(MOUNTS)) return [];
  return readMounts(readFileSync(MOUNTS, "utf8")).filter((path) => path.startsWith(`${folder}/`));
}

/** The places of `/proc/self/mountinfo` (proc(5)): the fifth field, blanks and the like as octal numbers. */
export function readMounts(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path !== "")
    .map((path) =>
      path.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    );
}
