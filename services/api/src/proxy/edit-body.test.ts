import { describe, expect, test } from "@jest/globals";
import { editBody } from "./edit-body.ts";

const seed = '"seed": 12345678901234567890, "logit_bias":{"1":1e2}';

describe("editBody", () => {
  test("a context before the talk, and every other byte as it came", () => {
    const body = (messages: string) => `{ ${seed},\n "messages" : [${messages}] , "n":1.0}`;
    expect(editBody(body('{"role":"user","content":"a\\u0301"}'), { model: undefined, context: "К" })).toBe(
      body('{"role":"system","content":"К"},{"role":"user","content":"a\\u0301"}'),
    );
  });

  test("a context within what the application says first", () => {
    const user = '{"content": "x", "role":"user"}';
    const system = { role: "developer", content: "Говори коротко", name: "app" };
    const told = { ...system, content: "Говори коротко\n\nК" };
    expect(editBody(`{"messages":[ ${JSON.stringify(system)}, ${user}]}`, { model: undefined, context: "К" })).toBe(
      `{"messages":[ ${JSON.stringify(told)}, ${user}]}`,
    );
  });

  test("the model, wherever it stands, and the one that counts", () => {
    const edits = { model: "gpt", context: "К" };
    expect(editBody(`{"messages":[{"role":"user"}],${seed},"model":"gpt@anton"}`, edits)).toBe(
      `{"messages":[{"role":"system","content":"К"},{"role":"user"}],${seed},"model":"gpt"}`,
    );
    expect(editBody('{"model":"a","tools":[{"model":"b"}],"model":"gpt@anton"}', edits)).toBe(
      '{"model":"a","tools":[{"model":"b"}],"model":"gpt"}',
    );
  });

  test.each(['{"messages":[]}', '{"messages":"x"}', "{}", '{"model":"m"}'])("no talk, no context: %s", (body) => {
    expect(editBody(body, { model: undefined, context: "К" })).toBe(body);
  });
});
