/** Crockford's base32: a `mem_…` is a TypeID (github.com/jetify-com/typeid). */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX = "mem_";
const CHARS = 26;

/** The UUID behind an id of the wire, as both stores have it. */
export function uuidOf(id: string): string {
  let value = 0n;
  for (const char of id.slice(PREFIX.length)) value = (value << 5n) | BigInt(ALPHABET.indexOf(char));
  const hex = value.toString(16).padStart(32, "0");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The id of the wire, as the journal has it. */
export function idOf(uuid: string): string {
  let rest = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let text = "";
  for (let n = 0; n < CHARS; n += 1, rest >>= 5n) text = ALPHABET.charAt(Number(rest & 31n)) + text;
  return PREFIX + text;
}
