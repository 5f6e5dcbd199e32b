import { describe, expect, test } from "@jest/globals";
import { toPrompt } from "./to-prompt.ts";

const call = { id: "call_1", type: "function", function: { name: "get_weather", arguments: "{}" } };

describe("toPrompt", () => {
  test("the model sees the system's words, pictures, calls of tools and their answers", () => {
    const picture = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
    const talk = [
      { role: "developer", content: "Отвечай стихами" },
      { role: "human", content: ["Что здесь?", picture], timestamp: 1 },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
    ];
    expect(toPrompt(talk)).toEqual([
      { role: "system", content: "Отвечай стихами" },
      { role: "user", content: [{ type: "text", text: "Что здесь?" }, picture] },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "call_1", content: "sunny" },
    ]);
  });

  test.each([
    ["a tool that nobody called", { role: "tool", tool_call_id: "call_2", content: "rainy" }],
    ["a tool that does not say what it answers", { role: "function", name: "get_weather", content: "rainy" }],
    ["what says nothing", { role: "assistant", content: "" }],
    ["no parts", { role: "user", content: [] }],
  ])("%s is left out", (_what, message) => {
    expect(toPrompt([{ role: "assistant", content: "", tool_calls: [call] }, message])).toHaveLength(1);
  });

  test("a text is the user's", () => {
    expect(toPrompt("Привет")).toEqual([{ role: "user", content: "Привет" }]);
  });
});
