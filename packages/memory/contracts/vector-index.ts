import { afterAll, beforeAll, describe } from "@jest/globals";
import { keepingContract } from "./vector-index/keeping.ts";
import { searchingContract } from "./vector-index/searching.ts";
import { tenantsContract } from "./vector-index/tenants.ts";
import { VectorIndexWorld, type VectorIndexUnderTest } from "./vector-index/world.ts";

export type { SeededMemory } from "./vector-index/world.ts";

/** What every vector index has to do, whichever it is: `create` opens one with an empty collection of four dimensions. */
export function vectorIndexContract(name: string, create: () => Promise<VectorIndexUnderTest>): void {
  describe(`vector index contract: ${name}`, () => {
    const world = new VectorIndexWorld(create);
    beforeAll(() => world.open(), 60_000);
    afterAll(() => world.close());

    keepingContract(world);
    searchingContract(world);
    tenantsContract(world);
  });
}
