const assignment = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;

/**
 * Reads the text of a `.env` file as people write it: `NAME=value`, `export ` before it, quotes around the value, a
 * comment on its own line or after a space, Windows line ends, a byte order mark. A `#` inside a value stays, since
 * passwords have them; lines that are no assignment are passed over.
 */
export function parseEnvFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    const match = assignment.exec(line);
    if (match?.[1] !== undefined) values[match[1]] = readValue(match[2] ?? "");
  }
  return values;
}

/** The value of a whole variable that still stands in its quotes, as `docker run --env-file` hands it over. */
export function stripQuotes(value: string): string {
  return /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value;
}

function readValue(text: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"|^'([^']*)'/.exec(text);
  if (quoted?.[2] !== undefined) return quoted[2];
  if (quoted?.[1] !== undefined) return quoted[1].replace(/\\(.)/g, unescape);
  return text.replace(/(^|\s)#.*$/, "").trim();
}

function unescape(whole: string, character: string): string {
  if (character === "n") return "\n";
  return character === '"' || character === "\\" || character === "$" ? character : whole;
}
