import { expect, test } from "@jest/globals";
import { contentHash, tenantOf } from "@engram/memory";
import { projectId, signal, type SeededMemory, type VectorIndexWorld } from "./world.ts";

/** Whose points there are, for erasures. */
export function tenantsContract(world: VectorIndexWorld): void {
  test("a tenant's points are listed in pages, by id, and nobody else's with them", async () => {
    const userId = world.freshUser();
    const mine = [world.memory({ userId }), world.memory({ userId, validTo: new Date() }), world.memory({ userId })];
    await world.store(...mine.map((one): [SeededMemory] => [one]), [world.memory({ userId: world.freshUser() })]);
    const [one] = mine;
    const tenant = one?.tenant ?? "";
    const expected = mine.map(({ id }) => id).toSorted();
    const page = (limit: number, after?: string) =>
      world.index.listTenant(world.collection, { tenant, limit, ...(after === undefined ? {} : { after }) }, signal);
    expect(await page(10)).toEqual(expected);
    expect(await page(2)).toEqual(expected.slice(0, 2));
    expect(await page(2, expected[1])).toEqual(expected.slice(2));
    await world.index.delete(world.collection, expected.slice(1), signal);
    expect(await page(10)).toEqual(expected.slice(0, 1));
  });

  test("a point that changes hands is listed under its new tenant alone", async () => {
    const [before, after] = [world.freshUser(), world.freshUser()];
    const one = world.memory({ userId: before });
    await world.store([one]);
    const moved = { ...world.memory({ userId: after, id: one.id }), content: one.content };
    await world.seed([moved]);
    await world.index.setPayload(world.collection, [{ memory: moved, hash: contentHash(one.content) }], signal);
    const list = (tenant: string) => world.index.listTenant(world.collection, { tenant, limit: 10 }, signal);
    expect(await list(moved.tenant)).toEqual([one.id]);
    expect(await list(one.tenant)).toEqual([]);
  });

  test("a collection that does not exist is told from one without points of a tenant", async () => {
    const absent = { ...world.collection, name: "never_made__model__4" };
    const { tenant } = world.memory();
    expect(await world.index.listTenant(absent, { tenant, limit: 10 }, signal)).toBeUndefined();
    const nobody = tenantOf({ projectId, userId: world.freshUser(), agentId: null });
    expect(await world.index.listTenant(world.collection, { tenant: nobody, limit: 10 }, signal)).toEqual([]);
  });
}
