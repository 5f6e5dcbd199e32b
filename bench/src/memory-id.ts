/** The bare UUID of a `mem_…`: what the stores know a memory by. The id of the wire is the UUID in base32 (TypeID). */
export function toUuid(id: string): string {
  const digits = "0123456789abcdefghjkmnpqrstvwxyz";
  let bits = 0n;
  for (const character of id.slice("mem_".length)) bits = (bits << 5n) | BigInt(digits.indexOf(character));
  const hex = bits.toString(16).padStart(32, "0");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
