import { KNOWN_TYPES, MemoryError, type ExtractedFact, type ExtractionRequest } from "@engram/memory";

export interface ModelAnswer {
  readonly content: string | null;
  readonly refusal: string | null;
  /** True: it ends in the middle. */
  readonly isCut: boolean;
}

/**
 * The facts of an answer. Small models put fences and words around the JSON, leave commas behind or end in the middle:
 * whole facts are taken out of that. Throws `invalid` where nothing can be read and where the model refuses, `too_large` where
 * an answer about several turns is cut: about fewer it will not be.
 */
export function readAnswer(
  { content, refusal, isCut }: ModelAnswer,
  request: ExtractionRequest,
): readonly ExtractedFact[] {
  if (refusal !== null && refusal !== "") throw unreadable("The model refuses to read this talk");
  if (isCut && request.turns.length > 1) throw new MemoryError("too_large", "The model's answer ends in the middle");
  const items = readItems(content ?? "");
  if (items === undefined) throw unreadable("The model's answer cannot be read");
  const facts: ExtractedFact[] = [];
  // An item that says nothing has its place in the answer, and none among the facts.
  const placeOf = new Map<number, number>();
  for (const [i, item] of items.entries()) {
    const fact = toFact(item, request, placeOf);
    if (fact !== undefined) placeOf.set(i + 1, facts.push(fact));
  }
  if (items.length > 0 && facts.length === 0) throw unreadable("The model's answer holds no fact that can be read");
  return facts;
}

function unreadable(message: string): MemoryError {
  return new MemoryError("invalid", message);
}

/** Undefined: neither a list nor a whole item of one is in the text. */
function readItems(text: string): readonly unknown[] | undefined {
  const start = text.search(/[[{]/u);
  if (start < 0) return undefined;
  const json = text.slice(start);
  const value = parse(json) ?? parse(json.slice(0, json.lastIndexOf(json.startsWith("[") ? "]" : "}") + 1));
  const list = Array.isArray(value) ? value : listIn(value);
  if (list !== undefined) return list;
  const whole = wholeItems(json);
  return whole.length > 0 ? whole : undefined;
}

function listIn(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if ("facts" in value && Array.isArray(value.facts)) return value.facts;
  // {"memories": [...]}, and a lone fact.
  const lists = Object.values(value).filter(Array.isArray);
  return lists.length === 1 && !("text" in value) ? lists[0] : "text" in value ? [value] : undefined;
}

function parse(json: string): unknown {
  for (const text of [json, json.replaceAll(/,(?=\s*[\]}])/gu, "")]) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // The next form.
    }
  }
  return undefined;
}

/** Objects that are whole and hold none themselves, in text that is no JSON as a whole. */
function wholeItems(text: string): readonly unknown[] {
  const items: unknown[] = [];
  let start = -1;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inText) {
      if (character === "\\") i += 1;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === "{") start = i;
    else if (character === "}" && start >= 0) {
      const item = parse(text.slice(start, i + 1));
      if (item !== undefined) items.push(item);
      start = -1;
    }
  }
  return items;
}

const TEXT_LENGTH_MAX = 2_000;
const ENTITIES_MAX = 16;
const ENTITY_LENGTH_MAX = 100;

/** Undefined: it says nothing. What else is wrong with it is put right: a fact is not lost over a date. */
function toFact(
  item: unknown,
  { turns, known }: ExtractionRequest,
  placeOf: ReadonlyMap<number, number>,
): ExtractedFact | undefined {
  const given = (typeof item === "string" ? { text: item } : item) as Record<string, unknown> | null;
  const text = given?.["text"] ?? given?.["fact"] ?? given?.["memory"] ?? given?.["content"];
  if (given === null || typeof text !== "string" || storable(text) === "") return undefined;
  const from = numbersOf(given["from"]).filter((number) => turns.some((turn) => turn.number === number));
  const named = asList(given["known"]);
  const earlier = numbersOf(named.filter(isOfFact)).flatMap((number) => placeOf.get(number) ?? []);
  const related = numbersOf(named.filter((one) => !isOfFact(one))).filter((number) =>
    known.some((memory) => memory.number === number),
  );
  return {
    content: storable(text).slice(0, TEXT_LENGTH_MAX).toWellFormed(),
    type: KNOWN_TYPES.find((type) => type === given["type"]) ?? "fact",
    importance: importanceOf(given["importance"]),
    entities: textsOf(given["entities"]),
    occurredAt: dayOf(given["date"]),
    from,
    relation: relationOf(given["relation"], { known: related, earlier }),
  };
}

function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed().trim();
}

function relationOf(
  given: unknown,
  { known, earlier }: { readonly known: readonly number[]; readonly earlier: readonly number[] },
): ExtractedFact["relation"] {
  const [memory] = known;
  const [fact] = earlier;
  if (given === "same" && memory !== undefined) return { kind: "same", known: memory };
  if (given === "same" && fact !== undefined) return { kind: "same", earlier: fact };
  if (given !== "replaces" || (memory === undefined && fact === undefined)) return { kind: "new" };
  return { kind: "replaces", known, ...(fact === undefined ? {} : { earlier }) };
}

/** "F2", a fact of the answer; "K2", "2" and 2 are known memories. */
function isOfFact(name: unknown): boolean {
  return typeof name === "string" && /^\s*f/iu.test(name);
}

/** Some models answer 1 to 10. */
function importanceOf(given: unknown): number | null {
  if (typeof given !== "number" || !Number.isFinite(given) || given < 0) return null;
  return given <= 1 ? given : given <= 10 ? given / 10 : 1;
}

function asList(given: unknown): readonly unknown[] {
  return Array.isArray(given) ? given : [given];
}

function numbersOf(given: unknown): readonly number[] {
  const list = asList(given);
  // "K3" and "3" are meant as 3.
  const numbers = list.map((one: unknown) => (typeof one === "string" ? Number(one.replace(/^\D+/u, "")) : one));
  return [...new Set(numbers.filter((one): one is number => typeof one === "number" && Number.isInteger(one)))];
}

function textsOf(given: unknown): readonly string[] {
  const texts = Array.isArray(given) ? given.filter((one: unknown): one is string => typeof one === "string") : [];
  return [...new Set(texts.map((one) => storable(one).slice(0, ENTITY_LENGTH_MAX).toWellFormed()))]
    .filter((one) => one !== "")
    .slice(0, ENTITIES_MAX);
}

/** Noon in UTC: the same day nearly everywhere. */
function dayOf(given: unknown): Date | null {
  const text = typeof given === "string" ? /^\d{4}-\d{2}-\d{2}/u.exec(given)?.[0] : undefined;
  if (text === undefined) return null;
  const date = new Date(`${text}T12:00:00Z`);
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text || date.getUTCFullYear() < 1
    ? null
    : date;
}
