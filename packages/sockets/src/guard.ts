import type { Embedder, VectorIndex } from "@engram/memory";
import type { Circuit } from "./circuit.ts";

/** The embedder behind a circuit: while that is open, its calls fail at once. */
export function guardEmbedder(embedder: Embedder, circuit: Circuit): Embedder {
  return {
    model: embedder.model,
    requestedDims: embedder.requestedDims,
    lexical: embedder.lexical,
    embed: (texts, signal) => circuit.run(() => embedder.embed(texts, signal), signal),
  };
}

/** The index behind a circuit. Collections are made, named and dropped past it, and so is it asked whether it is
 * there at all. */
export function guardIndex(index: VectorIndex, circuit: Circuit): VectorIndex {
  return {
    ...(index.joinsRows === undefined ? {} : { joinsRows: index.joinsRows }),
    prepare: (collection) => index.prepare(collection),
    publish: (collection) => index.publish(collection),
    drop: (collection) => index.drop(collection),
    scan: (collection, page, signal) => circuit.run(() => index.scan(collection, page, signal), signal),
    inspect: (collection, signal) => circuit.run(() => index.inspect(collection, signal), signal),
    fetchStates: (collection, ids, signal) => circuit.run(() => index.fetchStates(collection, ids, signal), signal),
    upsert: (collection, points, signal) => circuit.run(() => index.upsert(collection, points, signal), signal),
    setPayload: (collection, points, signal) => circuit.run(() => index.setPayload(collection, points, signal), signal),
    delete: (collection, ids, signal) => circuit.run(() => index.delete(collection, ids, signal), signal),
    search: (collection, query, signal) => circuit.run(() => index.search(collection, query, signal), signal),
    listTenant: (collection, query, signal) => circuit.run(() => index.listTenant(collection, query, signal), signal),
    ping: (signal) => index.ping(signal),
    close: () => index.close(),
  };
}
