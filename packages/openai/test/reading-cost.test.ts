import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startOpenAI, type OpenAI } from "@engram/test-equipment";
import { costOf, createOpenAIExtractor, priceOf } from "../src/index.ts";

/*
 * What it takes to have conversations read: tokens by the tokenizer of these models (o200k), of the prompt as it is sent and of an
 * answer with one memory for each exchange, and what docs make of them by the published prices.
 */

const root = join(import.meta.dirname, "..", "..", "..");
const EXCHANGES = 10;
const saidAt = new Date("2026-05-18T10:30:00Z");
const turn = (number: number, role: "user" | "assistant", content: string) => ({
  number,
  role,
  name: null,
  content,
  saidAt,
});
const exchange = (n: number) => [
  turn(
    n * 2 + 1,
    "user",
    `Вчера мы с Мариной ездили на дачу под Самарой и посадили там ${n} яблонь, теперь надо их поливать`,
  ),
  turn(
    n * 2 + 2,
    "assistant",
    `Отлично! Молодые яблони поливают раз в неделю, по два ведра на дерево. Напомнить вам об этом в субботу утром?`,
  ),
];
/** As much as a call may show. */
const known = Array.from({ length: 9 }, (_, i) => ({
  number: i + 1,
  type: "fact",
  content: `Пользователь любит ходить в походы по Алтаю, запись ${i}`,
  validFrom: saidAt,
}));

interface Tokens {
  readonly prompt: number;
  readonly answer: number;
}

/** In dollars, to the cent. */
const ofThousand = (model: string, { prompt, answer }: Tokens): string =>
  (1_000 * (costOf({ model, promptTokens: prompt, completionTokens: answer }) ?? Number.NaN)).toFixed(2);

describe("reading a conversation", () => {
  let server: OpenAI;
  let lone: Tokens;
  let ten: Tokens;
  beforeAll(async () => {
    server = await startOpenAI();
    lone = await read(1);
    ten = await read(EXCHANGES);
  });
  afterAll(() => server.stop());

  async function read(exchanges: number): Promise<Tokens> {
    const before = await server.counters();
    const extractor = createOpenAIExtractor({
      apiKey: "sk-test",
      baseUrl: server.url,
      model: "gpt-4o-mini",
      timeoutMs: 2_000,
    });
    const { facts } = await extractor.extract(
      {
        projectId: "p",
        turns: Array.from({ length: exchanges }, (_, n) => exchange(n)).flat(),
        before: [],
        known,
        wishes: { instructions: null, includes: null, excludes: null },
        requestIds: ["req-1"],
      },
      new AbortController().signal,
    );
    expect(facts).toHaveLength(exchanges);
    const after = await server.counters();
    const spent = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    return { prompt: spent("chat_prompt_tokens"), answer: spent("chat_completion_tokens") };
  }

  test("a lone exchange costs at most 1,000 tokens of prompt, ten of them at most 250 each", () => {
    expect(lone.prompt).toBeLessThanOrEqual(1_000);
    expect(ten.prompt / EXCHANGES).toBeLessThanOrEqual(250);
  });

  test("docs/conversations.md has the same of the model that is used where none is named", () => {
    const [line = ""] =
      /^With `gpt-4o-mini` .*\n.*$/m.exec(readFileSync(join(root, "docs/conversations.md"), "utf8")) ?? [];
    expect(line.match(/\d+\.\d+/g)).toEqual([ofThousand("gpt-4o-mini", lone), ofThousand("gpt-4o-mini", ten)]);
  });

  describe.each(["docs/operations.md", "docs/ru/guide.md"])("%s", (page) => {
    const text = readFileSync(join(root, page), "utf8");

    test("tells the tokens of the prompt and of the answer", () => {
      const [line = ""] = /^.*\(o200k\).*$/m.exec(text) ?? [];
      expect((line.match(/\d+/g) ?? []).map(Number)).toEqual(
        expect.arrayContaining([
          lone.prompt,
          lone.answer,
          Math.round(ten.prompt / EXCHANGES),
          Math.round(ten.answer / EXCHANGES),
        ]),
      );
    });

    test.each(["gpt-4o-mini", "gpt-4o", "gpt-4.1-nano", "gpt-4.1-mini", "gpt-4.1"])(
      "tells what 1,000 exchanges cost with %s, each alone, and 1,000 conversations of ten",
      (model) => {
        const [row = ""] = new RegExp(`^\\| \`${model.replace(".", "\\.")}\` .*$`, "m").exec(text) ?? [];
        const figures = row
          .replace(`\`${model}\``, "")
          .replaceAll(",", ".")
          .match(/\d+\.\d+/g);
        const { input, output } = priceOf(model) ?? {};
        expect(figures).toEqual([
          input?.toFixed(2),
          output?.toFixed(2),
          ofThousand(model, lone),
          ofThousand(model, ten),
        ]);
      },
    );
  });
});
