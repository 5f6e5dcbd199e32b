// Guide S0: "Меня зовут Антон, я программист", told one day and known another, by whatever reads and talks here: rules, the
// stand-in, or a real provider (ENGRAM_TARGET=running with a service that has a key).
import { expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { unique, type Found } from "../memories.ts";

test("the guide's dialogue: told in one session, found in another, and used in an answer where there is a model", async () => {
  const userId = unique("anton");
  const told = await api<{ status: string; results: { memory: string; event: string }[] }>("POST", "/api/memory/add", {
    body: {
      user_id: userId,
      session_id: "first",
      messages: [
        { role: "user", content: "Меня зовут Антон, я программист" },
        { role: "assistant", content: "Рад познакомиться, Антон!" },
      ],
      wait: 60,
    },
  });
  expect(told.body).toMatchObject({ status: "done" });
  expect(told.body.results.map((one) => one.memory).join("\n")).toMatch(/Антон|Anton/);

  const body = { user_id: userId, session_id: "next week", query: "Как меня зовут?" };
  const found = await api<Found>("POST", "/api/memory/search", { body });
  expect(found.body.memories.map((one) => one.content).join("\n")).toMatch(/Антон|Anton/);

  const chat = await api<{ reply: string; memories_used: string[] }>("POST", "/api/chat", {
    body: { user_id: userId, session_id: "next week", message: "Как меня зовут? Я программист?" },
  });
  expect([200, 503]).toContain(chat.status); // 503: no model is configured
  if (chat.status === 503) return;
  expect(chat.body.reply).toMatch(/Антон|Anton/);
  expect(chat.body.memories_used.length).toBeGreaterThan(0);
}, 120_000);

test("who moves within one talk lives in the later place, and the earlier day remembers the earlier one", async () => {
  const userId = unique("mover");
  await api("POST", "/api/memory/add", {
    body: {
      user_id: userId,
      messages: [
        { role: "user", content: "Я живу в Казани", timestamp: "2026-01-10T10:00:00Z" },
        { role: "assistant", content: "Красивый город!", timestamp: "2026-01-10T10:00:05Z" },
        { role: "user", content: "Я переехал в Москву", timestamp: "2026-03-05T10:00:00Z" },
      ],
      wait: 60,
    },
  });
  const homes = async (query: string): Promise<string> => {
    const { memories } = (await api<Found>("GET", `/api/memories/user/${userId}${query}`)).body;
    return memories.map((one) => one.content).join("\n");
  };
  const now = await homes("");
  expect(now).toMatch(/Москв|Moscow/);
  expect(now).not.toMatch(/Казан|Kazan/);
  expect(await homes("?as_of=2026-02-01T00:00:00Z")).toMatch(/Казан|Kazan/);
}, 120_000);
