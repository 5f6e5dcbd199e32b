/**
 * Whether the JSON in an answer has no end. Not every provider says `length` when it cuts an answer, and a connection or a
 * small model may end one anywhere. False where there is no JSON at all, and where there is only something after it.
 */
export function isBrokenOff(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let i = text.search(/[[{]/u); i >= 0 && i < text.length; i++) {
    const character = text[i];
    if (inText) {
      if (character === "\\") i += 1;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") {
      depth -= 1;
      if (depth === 0) return false;
    }
  }
  return depth > 0;
}
