// Which of our packages may import which: services -> sockets -> adapters -> memory, and adapters never each other.
// Only what runs counts; tests may put adapters together (devDependencies).
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Every package has one kind; a kind says which kinds its members may import. */
const kinds = {
  domain: { members: ["memory"], mayImport: [] },
  leaf: { members: ["config", "telemetry"], mayImport: [] },
  // The executor that both PostgreSQL and PGlite offer, in the domain's words.
  executor: { members: ["sql"], mayImport: ["domain"] },
  adapter: {
    members: ["postgres", "pglite", "pgvector", "qdrant", "bullmq", "openai", "offline"],
    mayImport: ["domain", "executor"],
  },
  wiring: { members: ["sockets"], mayImport: ["domain", "leaf", "executor", "adapter"] },
  service: { members: ["api", "worker"], mayImport: ["domain", "leaf", "wiring"] },
  whole: { members: ["all-in-one"], mayImport: ["domain", "leaf", "wiring", "service"] },
  command: { members: ["cli"], mayImport: ["domain", "leaf", "executor", "adapter", "wiring", "service", "whole"] },
};

/** What is wrong with the arrows among the packages in `folders` (relative to `root`); empty when all is well. */
export function findWrongArrows(root, folders) {
  const packages = folders.map((folder) => readPackage(join(root, folder, "package.json")));
  const faults = [];
  for (const { name, imports } of packages) {
    const kind = kindOf(name);
    if (kind === undefined) faults.push(`${name} has no kind yet: add it to the table in scripts/arrows.mjs`);
    for (const other of imports) {
      const otherKind = kindOf(other);
      if (kind !== undefined && otherKind !== undefined && !kinds[kind].mayImport.includes(otherKind)) {
        faults.push(`${name} (${kind}) must not import ${other} (${otherKind})`);
      }
    }
  }
  return [...faults, ...findCircles(packages)];
}

function readPackage(file) {
  const { name, dependencies = {} } = JSON.parse(readFileSync(file, "utf8"));
  const ours = Object.keys(dependencies).filter((dependency) => dependency.startsWith("@engram/"));
  return { name: shorten(name), imports: ours.map(shorten) };
}

function shorten(name) {
  return name.replace("@engram/", "");
}

function kindOf(name) {
  return Object.keys(kinds).find((kind) => kinds[kind].members.includes(name));
}

/** Takes away, again and again, what imports nothing that is left; what stays stands in a circle or upon one. */
function findCircles(packages) {
  let left = packages;
  for (;;) {
    const names = new Set(left.map((one) => one.name));
    const next = left.filter((one) => one.imports.some((other) => names.has(other)));
    if (next.length === left.length) break;
    left = next;
  }
  return left.length === 0 ? [] : [`a circle among ${left.map((one) => one.name).join(", ")}`];
}
