import { randomFillSync } from "node:crypto";

/** The project of every key in `MEM0_API_KEY`; also the column's default, so that raw INSERTs land in it. */
export const DEFAULT_PROJECT_ID = "00000000-0000-7000-8000-000000000001";

const MEMORY = "mem_";
const ERASURE = "era_";
const EVENT = "evt_";
const MESSAGE = "msg_";
/** Crockford's base32 as TypeID writes it: 26 characters for 128 bits (github.com/jetify-com/typeid, spec 0.3). */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LENGTH = 26;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const random = new Uint8Array(4096);
let randomUsed = random.length;
let lastMs = 0;
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562, method 1): 48 bits of milliseconds, then 12 bits that count up within one millisecond, so that
 * ids of one process sort in the order they were made; the rest is random.
 */
export function uuidv7(): string {
  if (randomUsed + 10 > random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  const bytes = Buffer.alloc(16);
  random.subarray(randomUsed, randomUsed + 10).forEach((byte, i) => {
    bytes[6 + i] = byte;
  });
  randomUsed += 10;

  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    sequence = bytes.readUInt16BE(6) & 0x7ff; // leaves half of the range to count up in
  } else if (++sequence > 0xfff) {
    lastMs += 1;
    sequence = 0;
  }
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | sequence, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The id of the wire for a memory's UUID: `mem_` and 26 characters, sorting as the UUIDs do. */
export function formatMemoryId(uuid: string): string {
  return formatId(MEMORY, uuid);
}

/** The UUID behind a memory's id of the wire; a bare UUID, as psql shows it, is taken too. Undefined: no id of ours. */
export function parseMemoryId(id: string): string | undefined {
  return parseId(MEMORY, id);
}

/** The id of the wire for an erasure's UUID: `era_` and 26 characters. */
export function formatErasureId(uuid: string): string {
  return formatId(ERASURE, uuid);
}

/** The UUID behind an erasure's id of the wire; a bare UUID is taken too. Undefined: no id of ours. */
export function parseErasureId(id: string): string | undefined {
  return parseId(ERASURE, id);
}

/** The id of the wire for the UUID of a call of `add`: `evt_` and 26 characters. */
export function formatEventId(uuid: string): string {
  return formatId(EVENT, uuid);
}

/** The UUID behind an event's id of the wire; a bare UUID is taken too. Undefined: no id of ours. */
export function parseEventId(id: string): string | undefined {
  return parseId(EVENT, id);
}

/** The id of the wire for a message's UUID: `msg_` and 26 characters. */
export function formatMessageId(uuid: string): string {
  return formatId(MESSAGE, uuid);
}

/** Bit by bit: a `BigInt` takes three times as long, and an answer has dozens of ids. */
function formatId(prefix: string, uuid: string): string {
  const codes: number[] = [];
  // 26 characters are 130 bits: two zeros come first.
  let [rest, bits] = [0, 2];
  for (let at = 0; at < uuid.length; at++) {
    const code = uuid.charCodeAt(at);
    if (code === HYPHEN) continue;
    rest = (rest << 4) | hexDigit(code);
    bits += 4;
    if (bits < 5) continue;
    bits -= 5;
    codes.push(ALPHABET.charCodeAt(rest >> bits));
    rest &= (1 << bits) - 1;
  }
  return prefix + String.fromCharCode(...codes);
}

const HYPHEN = "-".charCodeAt(0);
/** Letters of either case lie 9 behind their digit in the last four bits. */
const hexDigit = (code: number): number => (code & 15) + (code >> 6) * 9;

/** False for what an index may hold beside ours: numbers, words. */
export function isUuid(id: string): boolean {
  return UUID.test(id);
}

function parseId(prefix: string, id: string): string | undefined {
  if (UUID.test(id)) return id.toLowerCase();
  if (!id.startsWith(prefix) || id.length !== prefix.length + SUFFIX_LENGTH) return undefined;
  let value = 0n;
  for (const character of id.slice(prefix.length)) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    value = (value << 5n) | BigInt(digit);
  }
  if (value >> 128n !== 0n) return undefined;
  const hex = value.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
