import { expect, test } from "@jest/globals";
import { contentHash, uuidv7, type ScannedPoint } from "@engram/memory";
import { EAST, NORTH, projectId, signal, type SeededMemory, type VectorIndexWorld } from "./world.ts";

/** Points are kept as they are given, told, replaced and taken away. */
export function keepingContract(world: VectorIndexWorld): void {
  test("preparing again changes nothing", async () => {
    await world.index.prepare(world.collection);
  });

  test("a collection of other dimensions is refused in one line with its cure", async () => {
    const other = { ...world.collection, dims: 3 };
    await expect(world.index.prepare(other)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/4 dimensions.*3.*EMBEDDING_DIMENSIONS/),
    });
  });

  test("states are those of the points that exist", async () => {
    const one = world.memory();
    await world.store([one]);
    const states = await world.index.fetchStates(world.collection, [one.id, uuidv7()], signal);
    expect([...states]).toEqual([[one.id, world.stateOf(one)]]);
  });

  test("a scan gives every point once, page by page in the order of their ids", async () => {
    const own = Array.from({ length: 7 }, () => world.memory());
    await world.store(...own.toReversed().map((one): [SeededMemory] => [one]));
    const pages: (readonly ScannedPoint[])[] = [];
    for (let after: string | undefined; pages.at(-1)?.length !== 0; after = pages.at(-1)?.at(-1)?.id) {
      const page = { limit: 3, ...(after === undefined ? {} : { after }) };
      pages.push(await world.index.scan(world.collection, page, signal));
    }
    const points = pages.flat();
    const ids = points.map((point) => point.id);
    expect(ids).toEqual([...new Set(ids)].toSorted());
    expect(points.filter(({ id }) => own.some((one) => one.id === id))).toEqual(
      own.map((one) => ({ id: one.id, ...world.stateOf(one) })),
    );
    // Only the last page may be short, and the end is told by one.
    expect(pages.slice(0, -2).every((page) => page.length === 3)).toBe(true);
  });

  test("a collection tells its dimensions and, where it does not follow the truth by itself, its greatest version", async () => {
    await world.store([world.memory()]);
    const state = await world.index.inspect(world.collection, signal);
    expect(state?.dims).toBe(4);
    expect([undefined, world.latestVersion]).toContain(state?.greatestVersion);
    expect(await world.index.inspect({ ...world.collection, name: "absent__model__4" }, signal)).toBeUndefined();
  });

  test("an upsert takes the place of the point that stands", async () => {
    const userId = world.freshUser();
    const one = world.memory({ userId });
    await world.store([one, EAST]);
    const newer = { ...one, version: world.nextVersion(), content: "changed" };
    await world.store([newer, NORTH]);
    const hits = await world.index.search(
      world.collection,
      {
        vector: NORTH,
        filter: { scope: { projectId, userId, exact: false } },
        tenants: [one.tenant],
        limit: 5,
        now: new Date(),
      },
      signal,
    );
    expect(hits).toEqual([{ id: one.id, version: newer.version, cosine: expect.closeTo(1, 4) }]);
  });

  test("a payload is set on the points that are there, and nothing is made up for the others", async () => {
    const one = world.memory();
    await world.store([one]);
    const newer = { ...one, version: world.nextVersion() };
    const absent = world.memory();
    await world.seed([newer, absent]);
    const hash = contentHash(one.content);
    expect(
      await world.index.setPayload(
        world.collection,
        [
          { memory: newer, hash },
          { memory: absent, hash: contentHash(absent.content) },
        ],
        signal,
      ),
    ).toEqual([one.id]);
    const states = await world.index.fetchStates(world.collection, [one.id, absent.id], signal);
    expect([...states]).toEqual([[one.id, world.stateOf(newer)]]);
  });

  test("what is deleted is gone; deleting it again, or what never was, is no error", async () => {
    const one = world.memory();
    await world.store([one]);
    await world.index.delete(world.collection, [one.id, uuidv7()], signal);
    await world.index.delete(world.collection, [one.id], signal);
    expect((await world.index.fetchStates(world.collection, [one.id], signal)).size).toBe(0);
  });

  test("a collection that is dropped is gone with its points", async () => {
    const other = { ...world.collection, name: `${world.collection.name.slice(0, 40)}_dropped` };
    await world.index.prepare(other);
    const [one, two] = [world.memory(), world.memory()];
    await world.seed([one, two]);
    await world.index.upsert(other, [world.point(one), world.point(two)], signal);
    expect(await world.index.scan(other, { limit: 10 }, signal)).toHaveLength(2);
    await world.index.drop(other);
    await world.index.drop(other);
    await world.index.prepare(other);
    expect(await world.index.scan(other, { limit: 10 }, signal)).toEqual([]);
    await world.index.drop(other);
  });

  test("no effect is started once the signal has fired", async () => {
    const one = world.memory();
    await world.seed([one]);
    const late = world.index.upsert(world.collection, [world.point(one)], AbortSignal.abort());
    await expect(late).rejects.toMatchObject({ code: "unavailable", outcomeUnknown: false });
    expect((await world.index.fetchStates(world.collection, [one.id], signal)).size).toBe(0);
  });
}
