import { beforeEach, describe, expect, test } from "@jest/globals";
import { createFakeExtractor, factsOf } from "@engram/memory/contracts/fakes/extractor";
import {
  DEFAULT_PROJECT_ID,
  MemoryError,
  textQueryOf,
  workExtraction,
  type Extraction,
  type ExtractionRequest,
} from "@engram/memory";
import { createConversations, createExtractions, createMemoryStore, createOutbox } from "../src/index.ts";
import { addOf, said } from "./add-call.ts";
import { describeOnDatabases } from "./databases.ts";

/* Whatever a model does about some talk, its reader comes to an end of it, and nothing is set aside for another's fault. */

const projectId = DEFAULT_PROJECT_ID;
const options = { leaseSeconds: 60, horizonSeconds: 300 };
const running = new AbortController().signal;
const invalid = () => Promise.reject(new MemoryError("invalid", "no JSON"));
const late = () => Promise.reject(new MemoryError("unavailable", "not in time", { timedOut: true }));

describeOnDatabases("the reader of talk", (db) => {
  const conversations = createConversations(db, { debounceMs: 0 });
  let extractor = createFakeExtractor();
  let heldBack: (() => Promise<{ reason: string; seconds: number } | undefined>) | undefined;
  beforeEach(async () => {
    extractor = createFakeExtractor();
    heldBack = undefined;
    await db.script(
      "TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox; DELETE FROM engram.messages; DELETE FROM engram.events",
    );
  });

  const say = (...contents: readonly string[]) => conversations.add(addOf(said(...contents)));
  const sayMany = (count: number) =>
    say(...Array.from({ length: count }, (_, n) => `Это моё утверждение номер ${n + 1}`));
  const work = () =>
    workExtraction(
      {
        outbox: createOutbox(db),
        store: createMemoryStore(db),
        extractions: createExtractions(db),
        extractor,
        ...(heldBack === undefined ? {} : { heldBack }),
      },
      options,
      running,
    );
  /** Until nothing is due; a back-off is not waited for. */
  const drain = async () => {
    const outcomes: string[] = [];
    while (outcomes.length < 200) {
      const report = await work();
      if (report === undefined) return outcomes;
      outcomes.push(report.outcome);
      await db.script("UPDATE engram.outbox SET due_at = now() WHERE topic = 'extract' AND lease IS NULL");
    }
    throw new Error("reading does not come to an end");
  };
  const isHarmless = ({ turns }: ExtractionRequest) => turns.length === 1 && turns[0]?.content.includes("Paris");
  /** Of the calls, the harmless sentence left out. */
  const sizes = () => extractor.requests.filter((one) => !isHarmless(one)).map(({ turns }) => turns.length);
  const proper = (request: ExtractionRequest): Promise<Extraction> =>
    Promise.resolve({ facts: factsOf(request), promptVersion: "test" });
  const eventOf = async (id: string) => conversations.getEvent(projectId, id);
  const count = async (where: string) =>
    (await db.query<{ n: number }>(`SELECT count(*)::int AS n FROM engram.messages WHERE ${where}`))[0]?.n;
  const find = async (query: string) => {
    const filter = { scope: { projectId, userId: "u", exact: false } };
    const { hits } = await conversations.searchText(() => textQueryOf(query, new Date()), filter, 10);
    return hits.length;
  };

  test("finds the size that a slow model can do, and does not ask for more of the same talk again", async () => {
    extractor.answer = (request) => (request.turns.length > 8 ? late() : proper(request));
    const { id } = await sayMany(40);
    await drain();
    expect(sizes()).toEqual([40, 20, 10, 5, 5, 5, 5, 5, 5, 5, 5]);
    expect(await eventOf(id)).toMatchObject({ status: "done", error: null });
    extractor.requests.length = 0;
    await say("Ещё одно утверждение", "И ещё одно утверждение");
    await drain();
    expect(sizes()).toEqual([2]);
  });

  test("halves what a model has too much to say about", async () => {
    const fact = (request: ExtractionRequest, n: number) =>
      factsOf(request).map((one) => ({ ...one, content: `${one.content}, и ещё ${n}` }));
    extractor.answer = (request) =>
      Promise.resolve({
        facts: Array.from({ length: 20 }, (_, n) => fact(request, n)).flat(),
        promptVersion: "test",
      });
    await sayMany(10);
    await drain();
    expect(sizes()).toEqual([10, 5, 3, 3, 4, 2, 2]);
    const [row] = await db.query("SELECT count(*)::int AS n FROM public.memories");
    expect(row).toEqual({ n: 200 });
  });

  test("comes to a message that cannot be read, and past it, in a bounded number of calls", async () => {
    extractor.answer = (request) =>
      !isHarmless(request) && request.turns.some(({ number, content }) => number > 0 && content.endsWith(" номер 1"))
        ? invalid()
        : proper(request);
    await sayMany(40);
    await drain();
    expect(sizes().slice(0, 9)).toEqual([40, 20, 10, 5, 3, 2, 1, 1, 1]);
    expect(sizes().length).toBeLessThanOrEqual(15);
    expect(await count("extracted_at IS NOT NULL")).toBe(39);
    expect(await count("failed_at IS NOT NULL")).toBe(1);
  });

  test.each([
    ["never comes in time", late],
    ["cannot be read", invalid],
  ])("sets aside a message whose answer %s, while the model reads others", async (_name, fault) => {
    extractor.answer = (request) =>
      request.turns.some(({ content }) => content.includes("яд")) ? fault() : proper(request);
    const { id } = await say("Здесь яд");
    expect(await drain()).toEqual(["failed", "failed", "failed"]);
    expect(await eventOf(id)).toMatchObject({ status: "failed", error: expect.stringMatching(/^invalid: /) });
    expect(await find("яд")).toBe(1);
  });

  test.each([
    ["refuses everything", invalid, true],
    ["hangs at everything", late, false],
  ])("sets nothing aside, and halves nothing, for a model that %s", async (_name, fault, isModelAtFault) => {
    extractor.answer = fault;
    const { id } = await sayMany(40);
    for (let n = 0; n < 5; n++) {
      expect(await work()).toMatchObject({ outcome: "failed", isModelAtFault });
      const [row] = await db.query("SELECT due_at > now() AS later FROM engram.outbox WHERE topic = 'extract'");
      expect(row).toEqual({ later: true });
      await db.script("UPDATE engram.outbox SET due_at = now()");
    }
    expect(await eventOf(id)).toMatchObject({ status: "queued", error: expect.stringMatching(/^unavailable: /) });
    extractor.requests.length = 0;
    extractor.answer = proper;
    await drain();
    expect(sizes()).toEqual([40]);
    expect((await eventOf(id))?.status).toBe("done");
  });

  describe("an answer about one message that is cut", () => {
    const cut = (request: ExtractionRequest): Promise<Extraction> =>
      Promise.resolve({ facts: factsOf(request), promptVersion: "test", isCut: true });

    test("gives what it says; the message stays findable, and its event tells", async () => {
      extractor.answer = cut;
      const { id } = await say("Я живу в Казани и люблю рыбалку");
      await drain();
      expect(await eventOf(id)).toMatchObject({
        status: "failed",
        error: expect.stringMatching(/not to its end/),
        results: [{ event: "ADD" }],
      });
      expect(await find("рыбалка")).toBe(1);
    });

    test("is blanked with the memory that came of it, like a message that was read", async () => {
      extractor.answer = cut;
      await say("Я живу в Казани и люблю рыбалку");
      await say("Я люблю чай с бергамотом");
      await drain();
      await db.script("DELETE FROM public.memories WHERE content LIKE '%рыбалк%'");
      expect(await find("рыбалка")).toBe(0);
      expect(await count("content LIKE '%рыбалк%'")).toBe(0);
    });
  });

  test("looks at the limit of the day before every call", async () => {
    let calls = 0;
    heldBack = () =>
      Promise.resolve(calls++ === 0 ? undefined : { reason: "the day's dollars are spent", seconds: 60 });
    extractor.answer = invalid;
    const { id } = await say("Я люблю чай с бергамотом");
    expect((await work())?.outcome).toBe("held_back");
    expect(extractor.requests).toHaveLength(1);
    expect(await eventOf(id)).toMatchObject({ status: "parked", error: "budget: the day's dollars are spent" });
  });
});
