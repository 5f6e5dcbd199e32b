import { MemoryError, type Bell, type Embedder, type Outbox, type VectorIndex } from "@engram/memory";
import type { WritingStore } from "../fakes/store.ts";
import type { Call, Gate } from "./world.ts";

const effect = (name: string): Call => ({ name, isEffect: true });
const read = (name: string): Call => ({ name, isEffect: false });

export function gateStore(store: WritingStore, gate: Gate): WritingStore {
  return {
    putMemories: (drafts) => gate.pass(effect("store.putMemories"), () => store.putMemories(drafts)),
    getMemory: (projectId, id) => gate.pass(read("store.getMemory"), () => store.getMemory(projectId, id)),
    updateMemory: (...args) => gate.pass(effect("store.updateMemory"), () => store.updateMemory(...args)),
    deleteMemory: (...args) => gate.pass(effect("store.deleteMemory"), () => store.deleteMemory(...args)),
    readIndexable: (ids) => gate.pass(read("store.readIndexable"), () => store.readIndexable(ids)),
    truncate: () => gate.pass(effect("store.truncate"), () => store.truncate()),
  };
}

export function gateOutbox(outbox: Outbox, gate: Gate): Outbox {
  return {
    claim: (options) => gate.pass(effect("outbox.claim"), () => outbox.claim(options)),
    acknowledge: (...args) => gate.pass(effect("outbox.acknowledge"), () => outbox.acknowledge(...args)),
    fail: (...args) => gate.pass(effect("outbox.fail"), () => outbox.fail(...args)),
    release: (...args) => gate.pass(effect("outbox.release"), () => outbox.release(...args)),
    depth: () => gate.pass(read("outbox.depth"), () => outbox.depth()),
  };
}

export function gateBell(bell: Pick<Bell, "ring">, gate: Gate): Pick<Bell, "ring"> {
  return {
    // Nobody awaits a ring: what becomes of it, no caller ever knows.
    ring: (topic, options) => void gate.pass(read("bell.ring"), () => Promise.resolve(bell.ring(topic, options))),
  };
}

export function gateEmbedder(embedder: Embedder, gate: Gate): Embedder {
  return {
    ...embedder,
    embed: (texts, signal) => {
      assertAsked(signal);
      return inFlight(
        signal,
        gate.pass(read("embedder.embed"), () => embedder.embed(texts, NEVER)),
      );
    },
  };
}

export function gateIndex(index: VectorIndex, gate: Gate): VectorIndex {
  const send = async <T>(call: Call, signal: AbortSignal, effect: () => Promise<T>): Promise<T> => {
    assertAsked(signal);
    return inFlight(signal, gate.pass(call, effect));
  };
  return {
    prepare: (collection) => index.prepare(collection),
    publish: (collection) => index.publish(collection),
    drop: (collection) => index.drop(collection),
    count: (collection, signal) => index.count(collection, signal),
    inspect: (collection, signal) => index.inspect(collection, signal),
    scan: (collection, page, signal) => index.scan(collection, page, signal),
    listTenant: (collection, query, signal) => index.listTenant(collection, query, signal),
    fetchStates: (collection, ids, signal) =>
      send(read("index.fetchStates"), signal, () => index.fetchStates(collection, ids, NEVER)),
    upsert: (collection, points, signal) =>
      send(effect("index.upsert"), signal, () => index.upsert(collection, points, NEVER)),
    setPayload: (collection, points, signal) =>
      send(effect("index.setPayload"), signal, () => index.setPayload(collection, points, NEVER)),
    delete: (collection, ids, signal) =>
      send(effect("index.delete"), signal, () => index.delete(collection, ids, NEVER)),
    search: (collection, query, signal) => index.search(collection, query, signal),
    ping: (signal) => index.ping(signal),
    close: () => index.close(),
  };
}

/** What has been sent is no longer its caller's to stop. */
const NEVER = new AbortController().signal;

function assertAsked(signal: AbortSignal): void {
  if (signal.aborted) throw new MemoryError("unavailable", "not asked: too late", { cause: signal.reason });
}

/** The caller stops waiting when its signal fires; what it sent goes its way. */
function inFlight<T>(signal: AbortSignal, sent: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(cutOff());
    signal.addEventListener("abort", leave, { once: true });
    sent.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/** The error of a caller that does not know what became of its call. */
export function cutOff(): MemoryError {
  return new MemoryError("unavailable", "cut off", { outcomeUnknown: true });
}
