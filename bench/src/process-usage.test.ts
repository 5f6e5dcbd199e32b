import { expect, test } from "@jest/globals";
import { residentOf } from "./process-usage.ts";

const MIB = 1024;

function status({ own, shared, program }: { own: number; shared: number; program: number }): string {
  return `Name:\tpostgres\nVmRSS:\t  ${(own + shared + program) * MIB} kB\nRssAnon:\t  ${own * MIB} kB\nRssFile:\t  ${program * MIB} kB\nRssShmem:\t  ${shared * MIB} kB\n`;
}

test("what processes share counts once, as far as any of them has touched it", () => {
  const postmaster = status({ own: 2, shared: 10, program: 20 });
  const backend = status({ own: 5, shared: 256, program: 12 });
  expect(residentOf([postmaster])).toBe(32);
  expect(residentOf([postmaster, backend, backend])).toBe(2 + 5 + 5 + 256 + 20);
});

test("a process that has gone takes nothing", () => {
  expect(residentOf([status({ own: 2, shared: 10, program: 20 }), ""])).toBe(32);
});
