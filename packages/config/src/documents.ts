/*
 * What people read about the variables, made from the one table. `node scripts/write-config-docs.mjs` writes the
 * files; a unit test fails when they differ.
 */
import { COMPOSE_VARIABLES, SUBJECTS, VARIABLES, type Subject, type Variable } from "./variables.ts";

const titles: Record<Subject, string> = {
  door: "Door: where clients come in",
  truth: "Truth: where the memories are",
  vectors: "Vectors: the index",
  queue: "Queue: who wakes the workers",
  models: "Models: who embeds and reads",
  "outbox and worker": "Outbox and worker",
  search: "Search",
  telemetry: "Telemetry: logs and metrics",
  service: "The service as a whole",
};

const commentWidth = 100;

/** The text of `.env.example`: a copy of it as `.env` changes nothing until a line is filled in. */
export function renderEnvExample(): string {
  const parts = [
    "# Everything here is optional: without any of it Engram runs on its embedded defaults.",
    "# Copy this file to .env, fill in what you need, start again. The real environment wins over this file.",
    "# A secret may also be read from a file: NAME_FILE=/path/of/the/file instead of NAME=value.",
  ];
  for (const subject of SUBJECTS) {
    parts.push("", `# --- ${titles[subject]} ---`);
    for (const [name, variable] of variablesOf(subject)) parts.push("", ...envLines(name, variable));
  }
  parts.push("", "# --- Only for the compose files ---");
  for (const [name, variable] of Object.entries<ComposeVariable>(COMPOSE_VARIABLES))
    parts.push("", ...envLines(name, variable));
  return `${parts.join("\n")}\n`;
}

/** The text of `docs/configuration.md`, formatted as prettier would. */
export function renderConfigurationPage(): string {
  const parts = [
    "# Configuration",
    "",
    "<!-- Made from packages/config/src/variables.ts by `node scripts/write-config-docs.mjs`; change it there. -->",
    "",
    "Everything is optional: each socket (truth, vectors, queue, models) has an embedded default. Values come from the environment, or from a `.env` file in the working directory, read at start; the environment wins. In `.env`, quotes around a value, `export` before a name and comments are fine. An empty value is the same as none.",
    "",
    "A variable marked with \\* holds a secret: `NAME_FILE` may name a file that holds the value instead (Docker and Kubernetes secrets).",
    "",
    "Malformed values stop the start, all of them told at once. A placeholder left in (`YOUR_PASSWORD`, `sk-your-openai-api-key`) does not: the service starts and says what is missing in its log, in `/readyz` and in `problems` of `GET /api/memory/status`.",
    "",
    "Special characters in the user or password of an address are percent-encoded: `@` as `%40`, `:` as `%3A`, `/` as `%2F`, `?` as `%3F`, `#` as `%23`, `%` as `%25`.",
  ];
  for (const subject of SUBJECTS) {
    const rows = variablesOf(subject).map(([name, variable]) =>
      tableRow(variable.secret ? `\`${name}\` \\*` : `\`${name}\``, variable),
    );
    parts.push("", `## ${titles[subject]}`, "", ...table(rows));
  }
  const rows = Object.entries<ComposeVariable>(COMPOSE_VARIABLES).map(([name, variable]) =>
    tableRow(`\`${name}\``, variable),
  );
  parts.push("", "## Only for the compose files", "", ...table(rows));
  return `${parts.join("\n")}\n`;
}

type ComposeVariable = Pick<Variable, "description" | "default" | "example">;

function variablesOf(subject: Subject): [string, Variable][] {
  return Object.entries<Variable>(VARIABLES).filter(([, variable]) => variable.subject === subject);
}

/** Defaults are commented out; what has none stands empty, so that a `sed s/NAME=.*` of a script finds it. */
function envLines(name: string, variable: ComposeVariable): string[] {
  const line = variable.default === undefined ? `${name}=` : `#${name}=${variable.default}`;
  const comment = wrap(variable.description, commentWidth).map((text) => `# ${text}`);
  return variable.default === variable.example
    ? [...comment, line]
    : [...comment, `# Example: ${variable.example}`, line];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function tableRow(name: string, variable: ComposeVariable): string[] {
  const fallback = variable.default === undefined ? "" : `\`${variable.default}\``;
  return [name, fallback, escapeCell(variable.description), `\`${variable.example}\``];
}

/** Characters that would make emphasis or end a cell. */
function escapeCell(text: string): string {
  return text.replace(/[|*]/g, String.raw`\$&`).replace(/\b[A-Z0-9]+(?:_[A-Z0-9]+)+\b/g, "`$&`");
}

function table(rows: string[][]): string[] {
  const all = [["Variable", "Default", "What it is", "Example"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[], fill = " ") =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width, fill)).join(" | ")} |`;
  return [line(all[0] ?? []), line(["-", "-", "-", "-"], "-"), ...rows.map((row) => line(row))];
}
