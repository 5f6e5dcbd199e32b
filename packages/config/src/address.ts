/** What has to be written otherwise inside a user name or a password of an address. */
const escapes = { "@": "%40", ":": "%3A", "/": "%2F", "?": "%3F", "#": "%23", "%": "%25", " ": "%20" } as const;
const mustBeEscaped = /[@/?# ]|%(?![0-9A-Fa-f]{2})/g;

/**
 * What is wrong with the address of a service, or undefined. An address may carry a password, so the answer names
 * characters, never the address. `[YOUR-PASSWORD]` passes: that is a placeholder, told as a problem, not a fault.
 */
export function addressFault(address: string, schemes: readonly string[]): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (scheme === undefined || !schemes.includes(scheme))
    return `must start with ${schemes.map((s) => `${s}://`).join(" or ")}`;
  const unescaped = unescapedInUserInfo(address);
  if (unescaped.length > 0) {
    const cures = unescaped.map((character) => `"${character}" as ${escapes[character]}`);
    return `its user or password has unescaped characters; write ${cures.join(", ")}`;
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined)
    return "is not a valid address; check host and port, and write special characters of a password as %XX";
  if (url.hash !== "") return `has an unescaped "#"; write it as %23`;
  if (url.hostname === "" && !url.searchParams.has("host")) return "names no host";
  return undefined;
}

/** The offending characters of user and password, also where they make an address look as if it had none. */
function unescapedInUserInfo(address: string): (keyof typeof escapes)[] {
  const rest = address.slice(address.indexOf("://") + "://".length);
  const authority = rest.slice(0, Math.max(0, rest.search(/[/?#]|$/)));
  const end = authority.includes("@") ? authority.lastIndexOf("@") : endOfBrokenUserInfo(rest, authority);
  const found = new Set<keyof typeof escapes>();
  for (const [match] of rest.slice(0, end).matchAll(mustBeEscaped)) found.add(match as keyof typeof escapes);
  return [...found];
}

/** A `/`, `?` or `#` in the password ends the authority too early: `user:pa/ss@host`. An `@` in a query is a value. */
function endOfBrokenUserInfo(rest: string, authority: string): number {
  const end = rest.lastIndexOf("@");
  const isHost = !/:(?!\d*$)/.test(authority);
  const query = rest.search(/[?#]/);
  return isHost && query !== -1 && query < rest.indexOf("@") ? 0 : Math.max(0, end);
}
