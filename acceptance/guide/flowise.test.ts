// Guide, chapter 6 "Интеграция с Flowise": its LangChain class, run as it is printed, and its Code nodes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { nextBase } from "../client.ts";
import { create, indexed, search, unique, type Memory } from "../memories.ts";
import { target } from "../target.ts";

interface Mem0Memory {
  saveContext(inputValues: { input: string }, outputValues: { output: string }): Promise<void>;
  loadMemoryVariables(): Promise<{ memory: string }>;
}
type Mem0Class = new (config: { apiKey: string; baseUrl: string; userId: string; sessionId: string }) => Mem0Memory;

/** As much of axios as the class uses. */
const axios = {
  async post(url: string, data: unknown, { headers }: { headers: Record<string, string> }) {
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(data) });
    const text = await response.text();
    if (!response.ok) throw new Error(`Request failed with status code ${response.status}: ${text}`);
    return { status: response.status, data: JSON.parse(text) as unknown };
  },
};

function loadClass(): { Mem0Memory: Mem0Class; errors: unknown[][] } {
  const source = readFileSync(join(import.meta.dirname, "flowise-class.cjs"), "utf8");
  const module: { exports: { Mem0Memory?: Mem0Class } } = { exports: {} };
  const errors: unknown[][] = [];
  const require = (name: string): unknown => {
    if (name !== "axios") throw new Error(`Not expected: require("${name}")`);
    return axios;
  };
  const console = { error: (...words: unknown[]) => errors.push(words) };
  new Function("require", "module", "console", source)(require, module, console);
  if (module.exports.Mem0Memory === undefined) throw new Error("The guide's class was not exported");
  return { Mem0Memory: module.exports.Mem0Memory, errors };
}

describe("class Mem0Memory", () => {
  const { Mem0Memory, errors } = loadClass();
  const open = (userId: string, sessionId: string) =>
    new Mem0Memory({ apiKey: target.key, baseUrl: nextBase(), userId, sessionId });
  const line = "- Пользователь спросил: Как меня зовут?. Ответ: Вас зовут Анна\n";

  test("what saveContext kept, loadMemoryVariables gives at once", async () => {
    const memory = open(unique("user123"), unique("session"));
    expect(await memory.loadMemoryVariables()).toEqual({ memory: "" });
    await memory.saveContext({ input: "Как меня зовут?" }, { output: "Вас зовут Анна" });
    expect(await memory.loadMemoryVariables()).toEqual({ memory: `Предыдущий контекст:\n${line}` });
    expect(errors).toEqual([]);
  });

  test("another session of the user remembers it, another user does not", async () => {
    const userId = unique("user123");
    await open(userId, unique("session")).saveContext({ input: "Как меня зовут?" }, { output: "Вас зовут Анна" });
    expect((await open(userId, unique("session")).loadMemoryVariables()).memory).toContain(line);
    expect(await open(unique("user123"), unique("session")).loadMemoryVariables()).toEqual({ memory: "" });
    expect(errors).toEqual([]);
  });

  test("a repeated question is kept twice, and never more than five come back", async () => {
    const memory = open(unique("user123"), unique("session"));
    for (let turn = 0; turn < 2; turn++) await memory.saveContext({ input: "Да?" }, { output: "Да" });
    expect((await memory.loadMemoryVariables()).memory.match(/Да\?/g)).toHaveLength(2);
    for (let turn = 0; turn < 5; turn++) await memory.saveContext({ input: `Вопрос ${turn}` }, { output: "Ответ" });
    expect((await memory.loadMemoryVariables()).memory.match(/^- /gm)).toHaveLength(5);
    expect(errors).toEqual([]);
  });
});

describe("chat bot with a memory", () => {
  test("the Code node makes the context of the answer", async () => {
    const userId = unique("user123");
    const body = {
      user_id: userId,
      content: "Пользователь предпочитает получать уведомления по email",
      type: "preference",
    };
    await indexed(await create(body));
    const inputs = {
      memories: await search({ user_id: userId, query: "Какие предпочтения по уведомлениям у пользователя?" }),
    };
    const memories = inputs.memories.memories || [];
    let context = "";
    if (memories.length > 0) {
      context = "Информация о пользователе из предыдущих взаимодействий:\n";
      memories.forEach((mem: Memory) => {
        context += `- ${mem.content}\n`;
      });
    }
    expect(context).toBe(`Информация о пользователе из предыдущих взаимодействий:\n- ${body.content}\n`);
  });
});

describe("images after the user's taste", () => {
  test("the preferences on images go into the prompt", async () => {
    const userId = unique("user123");
    const taste = "Пользователь предпочитает изображение в акварельном стиле";
    await create({ user_id: userId, content: taste, type: "preference" });
    await create({ user_id: userId, content: "Пользователь предпочитает краткие ответы", type: "preference" });
    await create({ user_id: userId, content: "Пользователь получил изображение кота", type: "interaction" });
    const inputs = { basePrompt: "Кот на окне", memories: await search({ user_id: userId, limit: 100 }) };
    const userPreferences = inputs.memories.memories
      .filter((mem) => mem.type === "preference" && mem.content.includes("изображение"))
      .map((mem) => mem.content);
    expect(`${inputs.basePrompt}, ${userPreferences.join(". ")}`).toBe(`Кот на окне, ${taste}`);
  });
});
