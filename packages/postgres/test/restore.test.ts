// Undo and redo, held against what every day shows: what stood then is what stands then again.
import { beforeEach, describe, expect, test } from "@jest/globals";
import { DEFAULT_PROJECT_ID, type MemoryDraft } from "@engram/memory";
import { createMemoryStore } from "../src/index.ts";
import { describeOnDatabases } from "./databases.ts";
import { draft } from "./draft.ts";

const projectId = DEFAULT_PROJECT_ID;
const actor = { requestId: "req-1", name: "tester" };
const DAYS = [1, 2, 3, 4, 5, 6] as const;
/** Noon of a day of January, and the beginning of what is told on it. */
const noon = (day: number) => new Date(Date.UTC(2026, 0, day, 12));
const morning = (day: number) => new Date(Date.UTC(2026, 0, day, 8));

describeOnDatabases("restore", (db, name) => {
  const store = createMemoryStore(db);
  beforeEach(() => db.script("TRUNCATE public.memories; DELETE FROM engram.history; DELETE FROM engram.outbox"));

  /** Told on a day, in place of others, as an extraction keeps it. */
  const tell = async (
    day: number,
    content: string,
    replaces: readonly string[] = [],
    given: Partial<MemoryDraft> = {},
  ) => {
    const source = { messageIds: [], provenance: {}, validFrom: morning(day) };
    const [result] = await store.putMemories([draft({ content, source, ...given })]);
    if (result === undefined) throw new Error("nothing was put");
    const { id } = result.memory;
    await db.query("UPDATE public.memories SET valid_to = $3, superseded_by = $1 WHERE id = ANY ($2::uuid[])", [
      id,
      replaces,
      morning(day),
    ]);
    return id;
  };
  const restore = async (id: string) =>
    expect(await store.restoreMemory(projectId, id, actor)).toMatchObject({ id, validTo: null, supersededBy: null });
  const standing = async (asOf?: Date) => {
    const filter = { scope: { projectId, exact: true }, ...(asOf === undefined ? {} : { asOf }) };
    const { memories } = await store.listMemories({ filter, sort: "created_at", limit: 100, offset: 0 });
    return memories
      .map((memory) => memory.content)
      .toSorted()
      .join(" ");
  };
  /** What stood on each of the days, and what stands now. */
  const timeline = async () => {
    const seen: string[] = [];
    for (const day of DAYS) seen.push(await standing(noon(day)));
    return [...seen, await standing()];
  };

  test("an undo that is undone leaves every day as it was", async () => {
    const kazan = await tell(1, "kazan");
    const moscow = await tell(3, "moscow", [kazan]);
    const river = await tell(5, "river", [moscow]);
    const before = ["kazan", "kazan", "moscow", "moscow", "river", "river", "river"];
    expect(await timeline()).toEqual(before);
    await restore(moscow);
    expect(await timeline()).toEqual(["kazan", "kazan", "moscow", "moscow", "moscow", "moscow", "moscow"]);
    await restore(river);
    expect(await timeline()).toEqual(before);
  });

  test("with the first of a chain all that followed it ends, and each of them can be gone back to", async () => {
    const a = await tell(1, "a");
    const b = await tell(2, "b", [a]);
    const c = await tell(3, "c", [b]);
    const d = await tell(4, "d", [c]);
    const before = ["a", "b", "c", "d", "d", "d", "d"];
    await restore(a);
    expect(await timeline()).toEqual(["a", "a", "a", "a", "a", "a", "a"]);
    await restore(c);
    expect(await timeline()).toEqual(["a", "b", "c", "c", "c", "c", "c"]);
    await restore(b);
    expect(await timeline()).toEqual(["a", "b", "b", "b", "b", "b", "b"]);
    await restore(d);
    expect(await timeline()).toEqual(before);
  });

  test("a chain of states of one slot", async () => {
    const ids = [];
    for (const [i, content] of ["a", "b", "c"].entries()) {
      const id = await tell(2 * i + 1, content, [], { key: "theme" });
      ids.push(id);
      // A slot ends its state at the moment of the write; here the days are told.
      await db.query("UPDATE public.memories SET valid_to = $2 WHERE superseded_by = $1", [id, morning(2 * i + 1)]);
    }
    const before = ["a", "a", "b", "b", "c", "c", "c"];
    expect(await timeline()).toEqual(before);
    await restore(ids[0] ?? "");
    expect(await timeline()).toEqual(["a", "a", "a", "a", "a", "a", "a"]);
    await restore(ids[2] ?? "");
    expect(await timeline()).toEqual(before);
  });

  test("what was told after an undo is a branch of its own", async () => {
    const a = await tell(1, "a");
    const b = await tell(2, "b", [a]);
    await restore(a);
    const c = await tell(4, "c", [a]);
    expect(await timeline()).toEqual(["a", "a", "a", "c", "c", "c", "c"]);
    await restore(b);
    expect(await timeline()).toEqual(["a", "b", "b", "b", "b", "b", "b"]);
    await restore(c);
    expect(await timeline()).toEqual(["a", "a", "a", "c", "c", "c", "c"]);
  });

  describe("one that replaced two", () => {
    let tea: string, coffee: string, both: string;
    const before = ["tea", "coffee tea", "coffee tea", "both", "both", "both", "both"];
    const undone = ["tea", "coffee tea", "coffee tea", "coffee tea", "coffee tea", "coffee tea", "coffee tea"];
    beforeEach(async () => {
      tea = await tell(1, "tea");
      coffee = await tell(2, "coffee");
      both = await tell(4, "both", [tea, coffee]);
      expect(await timeline()).toEqual(before);
    });

    test("goes with the return of one of them, so the other stands too, and comes back for both", async () => {
      for (const id of [tea, coffee]) {
        await restore(id);
        expect(await timeline()).toEqual(undone);
        await restore(both);
        expect(await timeline()).toEqual(before);
      }
    });

    test("the other stays away where its text was told again", async () => {
      await tell(5, "coffee");
      await restore(tea);
      expect(await timeline()).toEqual([
        "tea",
        "coffee tea",
        "coffee tea",
        "tea",
        "coffee tea",
        "coffee tea",
        "coffee tea",
      ]);
    });

    test("the other stays away where it has expired", async () => {
      await db.query("UPDATE public.memories SET expires_at = now() WHERE id = $1", [coffee]);
      await restore(tea);
      expect(await db.query("SELECT superseded_by FROM public.memories WHERE id = $1", [coffee])).toEqual([
        { superseded_by: both },
      ]);
    });

    test("what became of the other meanwhile is left to it", async () => {
      await restore(tea);
      await tell(5, "milk", [coffee]);
      await restore(both);
      expect(await timeline()).toEqual([
        "tea",
        "coffee tea",
        "coffee tea",
        "both coffee",
        "both milk",
        "both milk",
        "both milk",
      ]);
    });
  });

  test("a state whose successor was deleted takes its slot from whatever holds it", async () => {
    const a = await tell(1, "a", [], { key: "theme" });
    const b = await tell(2, "b", [], { key: "theme" });
    await db.query("DELETE FROM public.memories WHERE id = $1", [b]);
    const c = await tell(3, "c", [], { key: "theme" });
    await restore(a);
    expect(await standing()).toBe("a");
    await restore(c);
    expect(await standing()).toBe("c");
  });

  test("restores of a chain at once leave one that stands, and one on each day", async () => {
    const ids: string[] = [];
    for (const day of [1, 2, 3, 4]) ids.push(await tell(day, `state-${day}`, ids.slice(-1)));
    for (let round = 0; round < 5; round++) {
      await Promise.all([...ids, ...ids].map((id) => store.restoreMemory(projectId, id, actor)));
      for (const seen of await timeline()) expect(seen).toMatch(/^state-\d$/);
    }
  });

  // PGlite has one session, so nobody waits there.
  if (name !== "PGlite")
    test("what is told while a restore waits for its memory is seen by it", async () => {
      const a = await tell(1, "a");
      const b = await tell(2, "b", [a]);
      const c = await tell(4, "c");
      const waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
      const { restoring } = await db.transaction(async (tx) => {
        await tx.query("UPDATE public.memories SET valid_to = $3, superseded_by = $2 WHERE id = $1", [
          b,
          c,
          morning(4),
        ]);
        const started = { restoring: store.restoreMemory(projectId, a, actor) };
        while ((await db.query(waiting)).length === 0);
        return started;
      });
      expect(await restoring).toMatchObject({ id: a, validTo: null });
      expect(await timeline()).toEqual(["a", "a", "a", "a", "a", "a", "a"]);
    });

  test("what a hand has cut off ends nothing that began later", async () => {
    const a = await tell(1, "a");
    const b = await tell(3, "b", [a]);
    await restore(a);
    await restore(b);
    await db.query("UPDATE public.memories SET superseded_by = NULL WHERE id = $1", [a]);
    await restore(a);
    expect(await timeline()).toEqual(["a", "a", "a b", "a b", "a b", "a b", "a b"]);
  });

  test("a circle made by hand is no way without an end", async () => {
    const a = await tell(1, "a");
    const b = await tell(2, "b", [a]);
    const c = await tell(3, "c", [b]);
    await db.query("UPDATE public.memories SET valid_to = now(), superseded_by = $2 WHERE id = $1", [c, b]);
    await restore(a);
    expect(await standing()).toBe("a");
    await db.query("UPDATE public.memories SET valid_to = now(), superseded_by = $2 WHERE id = $1", [a, c]);
    await restore(a);
    expect(await standing()).toBe("a");
  });
});
