import { MemoryError, type CollectionRef } from "@engram/memory";
import type { QdrantClient } from "@qdrant/js-client-rest";
import { statusOf } from "./errors.ts";
import { PAYLOAD_INDEXES } from "./payload.ts";
import { dimsOf } from "./scan.ts";

/**
 * Makes the collection and its payload indexes; again: nothing. One graph per tenant and none across
 * (m = 0, payload_m = 16), and strict mode, so that a filter without an index fails in a test and not by being slow.
 */
export async function prepareCollection(client: QdrantClient, collection: CollectionRef): Promise<void> {
  const { exists } = await client.collectionExists(collection.name);
  if (!exists) await create(client, collection);
  await assertDims(client, collection);
  // Also on one that exists: another worker may have died between the two.
  const { payload_schema: indexed } = await client.getCollection(collection.name);
  for (const [field_name, field_schema] of Object.entries(PAYLOAD_INDEXES))
    if (!(field_name in indexed))
      await client.createPayloadIndex(collection.name, { field_name, field_schema, wait: true });
}

async function create(client: QdrantClient, { name, dims }: CollectionRef): Promise<void> {
  try {
    await client.createCollection(name, {
      vectors: { size: dims, distance: "Cosine" },
      hnsw_config: { m: 0, payload_m: 16 },
      strict_mode_config: {
        enabled: true,
        unindexed_filtering_retrieve: false,
        unindexed_filtering_update: false,
        search_allow_exact: false,
      },
    });
  } catch (error) {
    if (statusOf(error) !== 409 && !(error instanceof Error && /already exists/.test(JSON.stringify(error))))
      throw error; // another worker was first
  }
}

async function assertDims(client: QdrantClient, collection: CollectionRef): Promise<void> {
  const { config } = await client.getCollection(collection.name);
  const size = dimsOf(config.params.vectors);
  if (size === collection.dims) return;
  throw new MemoryError(
    "invalid",
    `Qdrant's collection ${collection.name} holds vectors of ${size} dimensions, ${collection.model} gives ${collection.dims}. ` +
      `Set EMBEDDING_DIMENSIONS to ${size}, or MEM0_COLLECTION_NAME to a new name`,
  );
}

/** The guide's name is an alias, moved in one step when the model changes. */
export async function pointAlias(client: QdrantClient, alias: string, name: string): Promise<void> {
  const { aliases } = await client.getAliases();
  const standing = aliases.find((one) => one.alias_name === alias);
  if (standing?.collection_name === name) return;
  const { collections } = await client.getCollections();
  if (collections.some((one) => one.name === alias))
    throw new MemoryError(
      "invalid",
      `Qdrant has a collection named ${alias}, which Engram needs as an alias. Rename or delete it, or set MEM0_COLLECTION_NAME to another name`,
    );
  await client.updateCollectionAliases({
    actions: [
      ...(standing === undefined ? [] : [{ delete_alias: { alias_name: alias } }]),
      { create_alias: { alias_name: alias, collection_name: name } },
    ],
  });
}
