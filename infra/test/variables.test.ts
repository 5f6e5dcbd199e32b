import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const explained = new Set([...read(".env.example").matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name));
const unexplained = (text: string, pattern: RegExp): (string | undefined)[] =>
  [...text.matchAll(pattern)].map(([, name]) => name).filter((name) => !explained.has(name));

test.each(globSync(["docker-compose*.yaml", "infra/*docker-compose.yaml"], { cwd: root }))(
  "%s fills in only what .env.example explains",
  (path) => {
    expect(unexplained(read(path), /\$\{([A-Z][A-Z0-9_]*)/g)).toEqual([]);
  },
);

test("render.yaml sets only what .env.example explains", () => {
  const text = read("render.yaml");
  expect(text).toContain("key: MEM0_DATABASE_URL");
  expect(unexplained(text, /^ +- key: (\S+)$/gm)).toEqual([]);
});

test("infra/setup.sh fills in only what .env.example explains", () => {
  expect(unexplained(read("infra/setup.sh"), /^ +(?:fill|set_setting) ([A-Z]\S+)/gm)).toEqual([]);
});

test.each(globSync("infra/caddy/*", { cwd: root }))("%s reads only what .env.example explains", (path) => {
  expect(unexplained(read(path), /\{\$([A-Z][A-Z0-9_]*)/g)).toEqual([]);
});

test.each(["infra/backup/daily.sh", "infra/backup/backup_mem0.sh"])(
  "%s reads only what .env.example explains",
  (path) => {
    expect(read(path)).toContain(': "${');
    expect(unexplained(read(path), /"\$\{([A-Z][A-Z0-9_]*):=/g)).toEqual([]);
  },
);
