/** A `bash` block of a page that is to be run, and what its answer has to contain. */
export interface Example {
  /** The line of the page where the block begins. */
  line: number;
  script: string;
  /** Parsed `json` block below `<!-- answer -->`; undefined if the page shows none. */
  answer?: unknown;
}

const scoreTolerance = 0.15;

/** The blocks below a line `<!-- run -->`, each with the block below the next `<!-- answer -->`, if one follows. */
export function readExamples(page: string): Example[] {
  const lines = page.split("\n");
  const examples: Example[] = [];
  for (let index = 0; index < lines.length; index++) {
    const mark = lines[index]?.trim();
    if (mark === "<!-- run -->") {
      const block = readBlock(lines, index + 1, "bash");
      examples.push({ line: index + 2, script: block.text });
      index = block.end;
    } else if (mark === "<!-- answer -->") {
      const example = examples.at(-1);
      const block = readBlock(lines, index + 1, "json");
      if (example === undefined) throw new Error(`Line ${index + 1}: an answer without anything to run`);
      example.answer = JSON.parse(block.text);
      index = block.end;
    }
  }
  return examples;
}

/** A block of a page with the mark on the last line before it that is not empty. */
export interface MarkedBlock {
  /** The line of the page where the block begins. */
  line: number;
  /** `run` of `<!-- run -->`; undefined if there is none. */
  mark: string | undefined;
  script: string;
}

/** Every block of the language, marked or not. */
export function readBlocks(page: string, language: string): MarkedBlock[] {
  const lines = page.split("\n");
  const blocks: MarkedBlock[] = [];
  for (let index = 0; index < lines.length; index++) {
    if (lines[index]?.trim() !== `\`\`\`${language}`) continue;
    const before = lines.slice(0, index).findLast((line) => line.trim() !== "");
    const block = readBlock(lines, index, language);
    blocks.push({ line: index + 1, mark: /^\s*<!-- (.+) -->\s*$/.exec(before ?? "")?.[1], script: block.text });
    index = block.end;
  }
  return blocks;
}

function readBlock(lines: string[], from: number, language: string): { text: string; end: number } {
  let start = from;
  while (lines[start]?.trim() === "") start++;
  const opening = lines[start] ?? "";
  if (opening.trim() !== `\`\`\`${language}`)
    throw new Error(`Line ${start + 1}: expected a ${language} block, found "${opening}"`);
  const indent = opening.length - opening.trimStart().length;
  const end = lines.findIndex((line, index) => index > start && line.trim() === "```");
  if (end < 0) throw new Error(`Line ${start + 1}: the block has no end`);
  const text = lines
    .slice(start + 1, end)
    .map((line) => line.slice(indent))
    .join("\n");
  return { text, end };
}

/** The last JSON value in what a script printed, whatever came before it; undefined if there is none. */
export function lastJson(output: string): unknown {
  const text = output.trim();
  for (let start = 0; start < text.length; start++) {
    if (text[start] !== "{" && text[start] !== "[") continue;
    try {
      return JSON.parse(text.slice(start));
    } catch {
      // Not from here; perhaps from a later brace.
    }
  }
  return undefined;
}

/**
 * Where `actual` lacks what `expected` shows, one line each. Every key and element shown has to be there; `…` in a text
 * stands for anything, and a relevance_score may differ a little.
 */
export function findDifferences(expected: unknown, actual: unknown, path = "$"): string[] {
  if (expected === "…") return actual === undefined ? [`${path}: missing`] : [];
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [`${path}: expected a list, found ${show(actual)}`];
    if (actual.length !== expected.length)
      return [`${path}: expected ${expected.length} elements, found ${show(actual)}`];
    return expected.flatMap((item, index) => findDifferences(item, actual[index], `${path}[${index}]`));
  }
  if (isRecord(expected)) {
    if (!isRecord(actual)) return [`${path}: expected an object, found ${show(actual)}`];
    return Object.entries(expected).flatMap(([name, value]) => findDifferences(value, actual[name], `${path}.${name}`));
  }
  return isSame(expected, actual, path) ? [] : [`${path}: expected ${show(expected)}, found ${show(actual)}`];
}

function isSame(expected: unknown, actual: unknown, path: string): boolean {
  if (typeof expected === "number" && typeof actual === "number" && path.endsWith(".relevance_score")) {
    return Math.abs(expected - actual) <= scoreTolerance;
  }
  if (typeof expected === "string" && typeof actual === "string" && expected.includes("…")) {
    const parts = expected.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join("[^]*")}$`, "u").test(actual);
  }
  return expected === actual;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
