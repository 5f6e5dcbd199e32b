// A year of a person's life, told as it happens: every question is answered as of its day, and an undo changes the past.
import { beforeAll, describe, expect, test } from "@jest/globals";
import { api } from "../client.ts";
import { unique, type Found, type Memory, type Page } from "../memories.ts";
import { target } from "../target.ts";

/** The rules without a model replace names and homes alone. */
const withModel = target.openaiUrl === undefined ? describe.skip : describe;

const TOLD = [
  ["2025-01-10", "Меня зовут Анна Белова"],
  ["2025-01-10", "Я живу в Казани на улице Баумана"],
  ["2025-01-12", "Я работаю бухгалтером на заводе"],
  ["2025-02-01", "Я люблю кофе с корицей"],
  ["2025-03-15", "Я переехала и теперь живу в Москве"],
  ["2025-05-05", "Я устроилась аналитиком в банк"],
  ["2025-06-20", "Я разлюбила кофе и пью только чай"],
  ["2025-08-08", "Меня зовут Анна Орлова, я вышла замуж"],
  ["2025-09-01", "Я переехала обратно, живу в Казани у реки"],
  ["2025-10-10", "Я снова люблю кофе, теперь с кардамоном"],
  ["2025-12-01", "Я работаю директором музея"],
] as const;

/** What is so on each day: name, home, work, drink; empty: not told yet. */
const ANSWERS = [
  ["2025-01-09", []],
  ["2025-01-11", ["Белова", "Баумана"]],
  ["2025-01-20", ["Белова", "Баумана", "бухгалтером"]],
  ["2025-02-10", ["Белова", "Баумана", "бухгалтером", "корицей"]],
  ["2025-04-01", ["Белова", "Москве", "бухгалтером", "корицей"]],
  ["2025-06-01", ["Белова", "Москве", "аналитиком", "корицей"]],
  ["2025-07-01", ["Белова", "Москве", "аналитиком", "чай"]],
  ["2025-08-20", ["Орлова", "Москве", "аналитиком", "чай"]],
  ["2025-09-15", ["Орлова", "у реки", "аналитиком", "чай"]],
  ["2025-11-01", ["Орлова", "у реки", "аналитиком", "кардамоном"]],
  ["2025-12-31", ["Орлова", "у реки", "директором", "кардамоном"]],
] as const;

const QUESTIONS = [
  ["Как зовут Анну?", 0],
  ["Где я живу?", 1],
  ["Кем я работаю, куда устроилась?", 2],
  ["Люблю ли я кофе или чай?", 3],
] as const;

const noon = (day: string): string => `${day}T12:00:00Z`;

withModel("a year of a life", () => {
  const userId = unique("year");
  const standing = async (day?: string): Promise<Memory[]> => {
    const asOf = day === undefined ? "" : `&as_of=${noon(day)}`;
    return (await api<Page>("GET", `/api/memories/user/${userId}?limit=100${asOf}`)).body.memories;
  };
  const expectAnswers = (memories: readonly Memory[], answers: readonly string[]): void => {
    const contents = memories.map((memory) => memory.content);
    expect(contents).toHaveLength(answers.length);
    for (const answer of answers) expect(contents.filter((content) => content.includes(answer))).toHaveLength(1);
  };

  beforeAll(async () => {
    for (const [day, content] of TOLD) {
      const messages = [{ role: "user", content, timestamp: noon(day) }];
      const answer = await api<{ status: string }>("POST", "/api/memory/add", {
        body: { user_id: userId, session_id: day, messages, wait: 30 },
      });
      expect(answer.body.status).toBe("done");
    }
  }, 60_000);

  test.each(ANSWERS)("as of %s", async (day, answers) => {
    expectAnswers(await standing(day), answers);
    for (const [query, about] of QUESTIONS) {
      const answer = answers[about];
      if (answer === undefined) continue;
      const body = { user_id: userId, query, as_of: noon(day), limit: 1 };
      const { memories } = (await api<Found>("POST", "/api/memories/search", { body })).body;
      expect(memories[0]?.content).toContain(answer);
    }
  });

  test("today is what was told last, and nothing of it is lost", async () => {
    expectAnswers(await standing(), ["Орлова", "у реки", "директором", "кардамоном"]);
    const moscow = (await standing("2025-07-01")).find((memory) => memory.content.includes("Москве"));
    expect(moscow).toMatchObject({ valid_from: "2025-03-15T12:00:00.000Z", valid_to: "2025-09-01T12:00:00.000Z" });
  });

  test("an undo: she never moved back, neither today nor in October; undone too, every day is as it was", async () => {
    const [moscow] = (await standing("2025-07-01")).filter((memory) => memory.content.includes("Москве"));
    const river = (await standing()).find((memory) => memory.content.includes("у реки"));
    expect((await api("POST", `/api/memories/${moscow?.id}/restore`)).status).toBe(200);
    expectAnswers(await standing(), ["Орлова", "Москве", "директором", "кардамоном"]);
    expectAnswers(await standing("2025-10-01"), ["Орлова", "Москве", "аналитиком", "чай"]);
    expect((await api("POST", `/api/memories/${river?.id}/restore`)).status).toBe(200);
    expectAnswers(await standing(), ["Орлова", "у реки", "директором", "кардамоном"]);
    for (const [day, answers] of ANSWERS) expectAnswers(await standing(day), answers);
  });

  test("an undo of the first of three homes, and its end", async () => {
    const [kazan] = (await standing("2025-01-20")).filter((memory) => memory.content.includes("Баумана"));
    const river = (await standing()).find((memory) => memory.content.includes("у реки"));
    expect((await api("POST", `/api/memories/${kazan?.id}/restore`)).status).toBe(200);
    for (const [day, [name, home, ...others]] of ANSWERS)
      expectAnswers(
        await standing(day),
        [name, home === undefined ? undefined : "Баумана", ...others].filter((one) => one !== undefined),
      );
    expect((await api("POST", `/api/memories/${river?.id}/restore`)).status).toBe(200);
    for (const [day, answers] of ANSWERS) expectAnswers(await standing(day), answers);
  });
});
