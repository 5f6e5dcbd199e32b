/**
 * Extraction without a model, from the prompt as packages/openai writes it: every plain statement of the user is a fact,
 * of the assistant what it promises or recommends; a known memory of the same slot is replaced, and so is a fact before it.
 * Deterministic and transparent, so that a test can say what has to come out; it claims nothing about what a model would find.
 */
/** As the answer names it: K1, F1. */
type Known = { readonly name: string; readonly text: string };
interface Fact {
  readonly text: string;
  readonly relation: "same" | "replaces" | "new";
  readonly known: readonly string[];
  readonly [field: string]: unknown;
}

const KNOWN_LINE = /^K(\d+) \d{4}-\d{2}-\d{2} (.+)$/u;
const TURN_LINE = /^(\d+) (?:\[\w{3} (\d{4}-\d{2}-\d{2})[^\]]*\] )?(user|assistant|tool|system)(?: \([^)]*\))?: (.*)$/u;

/** What there is one of: a newer statement takes the older one's place. */
const SLOTS: readonly RegExp[] = [
  /зовут|my name is/iu,
  /жив(у|ёт|ет|ём)(?!\p{L})|переехал|(i|he|she|user) lives?\b|moved to/iu,
  /работа(ю|ет)(?!\p{L})|устроил|(i|he|she|user) works?\b|new job/iu,
  /люблю .*(чай|кофе)|(чай|кофе) .*люблю|разлюбил|drink (tea|coffee)/iu,
];
const ASSISTANT_FACT = /рекоменду|совету|обеща|напомню|recommend|suggest|promise|i will|i'll/iu;

export function readFacts(prompt: string): readonly Fact[] {
  const lines = prompt.split("\n");
  const known = lines.flatMap((line): readonly Known[] => {
    const [, number, text] = KNOWN_LINE.exec(line) ?? [];
    return number === undefined || text === undefined ? [] : [{ name: `K${number}`, text }];
  });
  const facts: Fact[] = [];
  const turns = lines.slice(lines.indexOf("Turns:") + 1);
  for (const line of turns) {
    const [, number, date, role, text = ""] = TURN_LINE.exec(line) ?? [];
    if (
      number === undefined ||
      text.trim().endsWith("?") ||
      !(role === "user" || (role === "assistant" && ASSISTANT_FACT.test(text)))
    )
      continue;
    const before = facts.map((fact, i) => ({ name: `F${i + 1}`, text: fact.text }));
    const gone = new Set(facts.flatMap((fact) => (fact.relation === "replaces" ? fact.known : [])));
    facts.push(
      factOf(
        Number(number),
        text,
        date,
        [...known, ...before].filter((one) => !gone.has(one.name)),
      ),
    );
  }
  return facts;
}

function factOf(number: number, text: string, date: string | undefined, known: readonly Known[]): Fact {
  const same = known.find((one) => fold(one.text) === fold(text));
  const slot = SLOTS.find((pattern) => pattern.test(text));
  const replaced = same === undefined && slot !== undefined ? known.filter((one) => slot.test(one.text)) : [];
  return {
    text,
    type: /люблю|предпочитаю|нравится|like|love|prefer/iu.test(text) ? "preference" : "fact",
    importance: slot === undefined ? 0.5 : 0.9,
    date: date ?? null,
    entities: [...new Set(text.match(/(?<=\p{L}[,]? )\p{Lu}\p{Ll}+/gu) ?? [])],
    from: [number],
    relation: same !== undefined ? "same" : replaced.length > 0 ? "replaces" : "new",
    known: same !== undefined ? [same.name] : replaced.map((one) => one.name),
  };
}

function fold(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
