import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { isBrokenOff } from "./is-broken-off.ts";

const whole = JSON.stringify({ facts: [{ text: 'She said "}]" \\', from: [1, 2] }, { text: "b" }] });

test.each([
  "",
  "I found nothing.",
  "[]",
  "{}",
  whole,
  `\`\`\`json\n${whole}\n\`\`\` and { more`,
  '{"facts":[{"text":"a",},],}',
])("is not broken off: %s", (text) => {
  expect(isBrokenOff(text)).toBe(false);
});

test("a JSON text that ends anywhere before its end is", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 3 }), fc.nat(), (json, at) => {
      const text = `{"facts":[${json}]}`;
      expect(isBrokenOff(text)).toBe(false);
      expect(isBrokenOff(text.slice(0, 1 + (at % (text.length - 1))))).toBe(true);
    }),
  );
});
