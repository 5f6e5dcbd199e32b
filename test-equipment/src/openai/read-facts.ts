/**
 * Extraction without a model, from the prompt as packages/openai writes it: every plain statement of the user is a fact,
 * of the assistant what it promises or recommends; a known memory of the same slot is replaced. Deterministic and
 * transparent, so that a test can say what has to come out; it claims nothing about what a model would find.
 */
type Known = { readonly number: number; readonly text: string };
type Fact = Readonly<Record<string, unknown>>;

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
    return number === undefined || text === undefined ? [] : [{ number: Number(number), text }];
  });
  const turns = lines.slice(lines.indexOf("Turns:") + 1);
  return turns.flatMap((line) => {
    const [, number, date, role, text = ""] = TURN_LINE.exec(line) ?? [];
    if (
      number === undefined ||
      text.trim().endsWith("?") ||
      !(role === "user" || (role === "assistant" && ASSISTANT_FACT.test(text)))
    )
      return [];
    return [factOf(Number(number), text, date, known)];
  });
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
    known: same !== undefined ? [same.number] : replaced.map((one) => one.number),
  };
}

function fold(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
