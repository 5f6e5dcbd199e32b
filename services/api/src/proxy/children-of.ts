/** Where a value of a JSON text stands, and under which name in its object; in a list it has none. */
export interface Child {
  readonly name: string | undefined;
  readonly start: number;
  readonly end: number;
}

/**
 * The values of the object or list that begins at `open` of a valid JSON text, in their order, as they are asked for. For
 * whoever changes one value and leaves every other byte: a text that is parsed and written anew has lost the last digits
 * of its large integers.
 */
export function* childrenOf(json: string, open: number): Generator<Child> {
  const marks = /["{}[\],:]/gu;
  marks.lastIndex = open + 1;
  let depth = 0;
  let start = open + 1;
  let name: string | undefined;
  let lastText: readonly [number, number] = [open, open];
  for (let mark = marks.exec(json); mark !== null; mark = marks.exec(json)) {
    const at = mark.index;
    if (mark[0] === '"') {
      lastText = [at, endOfText(json, at)];
      marks.lastIndex = lastText[1];
    } else if (mark[0] === "{" || mark[0] === "[") depth += 1;
    else if (depth > 0) depth -= mark[0] === "}" || mark[0] === "]" ? 1 : 0;
    else if (mark[0] === ":") {
      name = JSON.parse(json.slice(...lastText)) as string;
      start = at + 1;
    } else {
      const value = json.slice(start, at);
      const from = start + value.length - value.trimStart().length;
      if (from < at) yield { name, start: from, end: start + value.trimEnd().length };
      if (mark[0] !== ",") return;
      start = at + 1;
      name = undefined;
    }
  }
}

/** After the quote that ends a text: one with an even number of backslashes before it. */
function endOfText(json: string, open: number): number {
  for (let at = json.indexOf('"', open + 1); at >= 0; at = json.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (json[at - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
  return json.length;
}
