import { expect, test } from "@jest/globals";
import { EAST, NORTH, NORTH_EAST, type VectorIndexWorld } from "./world.ts";

/** What a search gives, and to whom. */
export function searchingContract(world: VectorIndexWorld): void {
  test("hits come nearest first, and no more than asked for", async () => {
    const userId = world.freshUser();
    const [far, near, middle] = [world.memory({ userId }), world.memory({ userId }), world.memory({ userId })];
    await world.store([far, EAST], [near, NORTH], [middle, NORTH_EAST]);
    expect(await world.find({ userId, exact: false })).toEqual([near.id, middle.id, far.id]);
    expect(await world.find({ userId, exact: false }, {}, { limit: 2 })).toEqual([near.id, middle.id]);
  });

  test("nobody sees another user's points", async () => {
    const [mine, other] = [world.freshUser(), world.freshUser()];
    const one = world.memory({ userId: mine });
    await world.store([one], [world.memory({ userId: other })]);
    expect(await world.find({ userId: mine, exact: false })).toEqual([one.id]);
  });

  test("a session's and an agent's own are seen from there only; lasting ones from everywhere", async () => {
    const userId = world.freshUser();
    const lasting = world.memory({ userId, sessionIds: ["s1"], agentIds: ["a1"] });
    const ofSession = world.memory({ userId, level: "session", sessionIds: ["s1"] });
    const ofAgent = world.memory({ userId, level: "agent", agentIds: ["a1"] });
    const shared = world.memory({ userId: null, level: "agent", agentIds: [`a-of-${userId}`] });
    await world.store([lasting], [ofSession], [ofAgent], [shared]);
    expect(await world.find({ userId, exact: false })).toEqual([lasting.id]);
    expect(new Set(await world.find({ userId, sessionId: "s1", exact: false }))).toEqual(
      new Set([lasting.id, ofSession.id]),
    );
    expect(new Set(await world.find({ userId, sessionId: "s2", exact: false }))).toEqual(new Set([lasting.id]));
    expect(new Set(await world.find({ userId, agentId: "a1", exact: false }))).toEqual(
      new Set([lasting.id, ofAgent.id]),
    );
    expect(new Set(await world.find({ userId, agentId: `a-of-${userId}`, exact: false }))).toEqual(
      new Set([lasting.id, shared.id]),
    );
    expect(await world.find({ agentId: `a-of-${userId}`, exact: false })).toEqual([shared.id]);
  });

  test("exact: ids are plain filters over everyone who told it", async () => {
    const userId = world.freshUser();
    const one = world.memory({ userId, sessionIds: ["s1", "s2"] });
    await world.store([one], [world.memory({ userId, sessionIds: ["s3"] })]);
    expect(await world.find({ userId, sessionId: "s2", exact: true })).toEqual([one.id]);
  });

  test("retired and expired points are left out", async () => {
    const userId = world.freshUser();
    const [alive, later] = [
      world.memory({ userId }),
      world.memory({ userId, expiresAt: new Date(Date.now() + 60_000) }),
    ];
    await world.store(
      [alive],
      [later],
      [world.memory({ userId, validTo: new Date() })],
      [world.memory({ userId, expiresAt: new Date(Date.now() - 60_000) })],
    );
    expect(new Set(await world.find({ userId, exact: false }))).toEqual(new Set([alive.id, later.id]));
  });

  test("as of a time: what was valid then, retired since or not", async () => {
    const userId = world.freshUser();
    const asOf = new Date("2026-03-01T12:00:00.000Z");
    const at = (offsetMs: number): Date => new Date(asOf.getTime() + offsetMs);
    const [lasting, retiredSince, justNot, justRetired, before, later] = [
      world.memory({ userId }),
      world.memory({ userId, validTo: new Date("2026-05-01T00:00:00Z") }),
      world.memory({ userId, validTo: at(1) }),
      world.memory({ userId, validTo: at(0) }),
      world.memory({ userId, validTo: new Date("2026-02-01T00:00:00Z") }),
      world.memory({ userId, validFrom: at(1) }),
    ];
    const justTold = world.memory({ userId, validFrom: at(0) });
    const expired = world.memory({ userId, expiresAt: new Date(Date.now() - 60_000) });
    await world.store([lasting], [retiredSince], [justNot], [justRetired], [before], [later], [justTold], [expired]);
    const found = new Set(await world.find({ userId, exact: false }, { asOf }));
    // Since when a memory is valid only its row says: an index that cannot ask it gives it, and the join leaves it out.
    const shown = world.index.joinsRows === true ? [] : [later.id];
    expect(found).toEqual(new Set([lasting.id, retiredSince.id, justNot.id, justTold.id, ...shown]));
    expect(new Set(await world.find({ userId, exact: false }))).toEqual(new Set([lasting.id, later.id, justTold.id]));
  });

  test("as of a time: another user's, and what the rest of the filter leaves out, stay out", async () => {
    const userId = world.freshUser();
    const retired = { validTo: new Date("2026-05-01T00:00:00Z") };
    const [mine, ofOtherType] = [
      world.memory({ userId, ...retired }),
      world.memory({ userId, type: "note", ...retired }),
    ];
    const ofSession = world.memory({ userId, level: "session", sessionIds: ["s1"], ...retired });
    await world.store([mine], [ofOtherType], [ofSession], [world.memory({ userId: world.freshUser(), ...retired })]);
    const filter = { asOf: new Date("2026-03-01T00:00:00Z"), types: ["fact"] };
    expect(await world.find({ userId, exact: false }, filter)).toEqual([mine.id]);
    expect(new Set(await world.find({ userId, sessionId: "s1", exact: false }, filter))).toEqual(
      new Set([mine.id, ofSession.id]),
    );
  });

  test("a condition narrows it before the nearest are taken: by itself, or by the ids that come with the question", async () => {
    const userId = world.freshUser();
    const [near, far] = [world.memory({ userId }), world.memory({ userId, type: "note" })];
    await world.store([near, NORTH], [far, EAST]);
    const condition = { op: "eq", field: { column: "type" }, value: "note" };
    const ids = (...memories: readonly { id: string }[]) =>
      world.index.joinsRows === true ? {} : { ids: memories.map(({ id }) => id) };
    const find = (query: object) => world.find({ userId, exact: false }, { condition }, { limit: 1, ...query });
    expect(await find(ids(far))).toEqual([far.id]);
    if (world.index.joinsRows !== true) expect(await find(ids())).toEqual([]);
  });

  test("types, key and time of creation narrow it", async () => {
    const userId = world.freshUser();
    const old = world.memory({ userId, type: "preference", key: "theme", createdAt: new Date("2025-01-01T00:00:00Z") });
    const fresh = world.memory({ userId, createdAt: new Date("2026-06-01T00:00:00Z") });
    await world.store([old], [fresh]);
    expect(await world.find({ userId, exact: false }, { types: ["preference", "pattern"] })).toEqual([old.id]);
    expect(await world.find({ userId, exact: false }, { key: "theme" })).toEqual([old.id]);
    expect(await world.find({ userId, exact: false }, { createdAfter: new Date("2026-01-01T00:00:00Z") })).toEqual([
      fresh.id,
    ]);
    expect(await world.find({ userId, exact: false }, { createdBefore: new Date("2026-01-01T00:00:00Z") })).toEqual([
      old.id,
    ]);
  });
}
