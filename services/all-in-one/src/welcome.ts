import { stderr } from "node:process";
import type { ApiKeys } from "@engram/config";

/** Where it listens, the key, and a first memory to paste: for a person at a terminal, beside the log. */
export function welcome(url: string, { keys, created, file }: ApiKeys): void {
  // The key is shown once, to a terminal only: a log collector must not get it.
  const shown = created && stderr.isTTY ? keys[0] : undefined;
  const key = shown ?? (file === undefined ? "$MEM0_API_KEY" : `$(cat ${quoted(file)})`);
  stderr.write(`
Engram listens on ${url}
${file === undefined ? "Keys: as MEM0_API_KEY says" : shown === undefined ? `Key: in ${file}` : `Key: ${shown} (kept in ${file})`}

A first memory:
  curl ${url}/api/memories -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\
    -d '{"user_id": "anton", "content": "Anton prefers short answers", "type": "preference", "wait": true}'
And found again:
  curl ${url}/api/memories/search -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" \\
    -d '{"user_id": "anton", "query": "How does Anton like his answers?"}'

`);
}

/** As a shell reads it: a folder may have any name. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
