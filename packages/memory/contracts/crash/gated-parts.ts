import {
  MemoryError,
  type Bell,
  type Embedder,
  type IndexableRows,
  type IndexTargets,
  type Outbox,
  type Schedules,
  type VectorIndex,
} from "@engram/memory";
import type { WritingStore } from "../fakes/store.ts";
import type { Call, Gate, Parts } from "./world.ts";

const effect = (name: string): Call => ({ name, isEffect: true });
const read = (name: string): Call => ({ name, isEffect: false });

/** The parts as one process has them: each of their calls goes through its gate. */
export function gateParts(parts: Parts, gate: Gate): Parts {
  return {
    store: gateStore(parts.store, gate),
    outbox: gateOutbox(parts.outbox, gate),
    index: gateIndex(parts.index, gate),
    embedderOf: (model) => gateEmbedder(parts.embedderOf(model), gate),
    rows: gateRows(parts.rows, gate),
    targets: gateTargets(parts.targets, gate),
    schedules: gateSchedules(parts.schedules, gate),
    bell: gateBell(parts.bell, gate),
  };
}

function gateStore(store: WritingStore, gate: Gate): WritingStore {
  return {
    putMemories: (drafts) => gate.pass(effect("store.putMemories"), () => store.putMemories(drafts)),
    getMemory: (projectId, id) => gate.pass(read("store.getMemory"), () => store.getMemory(projectId, id)),
    updateMemory: (...args) => gate.pass(effect("store.updateMemory"), () => store.updateMemory(...args)),
    deleteMemory: (...args) => gate.pass(effect("store.deleteMemory"), () => store.deleteMemory(...args)),
    readIndexable: (ids) => gate.pass(read("store.readIndexable"), () => store.readIndexable(ids)),
    sampleMemories: (limit) => gate.pass(read("store.sampleMemories"), () => store.sampleMemories(limit)),
    truncate: () => gate.pass(effect("store.truncate"), () => store.truncate()),
  };
}

function gateRows(rows: IndexableRows, gate: Gate): IndexableRows {
  return {
    scan: (page) => gate.pass(read("rows.scan"), () => rows.scan(page)),
    examine: (...args) => gate.pass(read("rows.examine"), () => rows.examine(...args)),
    touch: (...args) => gate.pass(effect("rows.touch"), () => rows.touch(...args)),
    advanceVersions: (version) => gate.pass(effect("rows.advanceVersions"), () => rows.advanceVersions(version)),
  };
}

/** Chunks of two at most, so that a backfill of a few rows has a middle. */
const BACKFILL_MAX = 2;

function gateTargets(targets: IndexTargets, gate: Gate): IndexTargets {
  return {
    live: () => gate.pass(read("targets.live"), () => targets.live()),
    followed: () => gate.pass(read("targets.followed"), () => targets.followed()),
    list: () => gate.pass(read("targets.list"), () => targets.list()),
    adopt: (probe) => gate.pass(effect("targets.adopt"), () => targets.adopt(probe)),
    backfill: (name, limit) =>
      gate.pass(effect("targets.backfill"), () => targets.backfill(name, Math.min(limit, BACKFILL_MAX))),
    progress: (name) => gate.pass(read("targets.progress"), () => targets.progress(name)),
    promote: (...args) => gate.pass(effect("targets.promote"), () => targets.promote(...args)),
    giveUp: (name) => gate.pass(effect("targets.giveUp"), () => targets.giveUp(name)),
    retire: (name) => gate.pass(effect("targets.retire"), () => targets.retire(name)),
  };
}

function gateSchedules(schedules: Schedules, gate: Gate): Schedules {
  return {
    ensure: (...args) => gate.pass(effect("schedules.ensure"), () => schedules.ensure(...args)),
    request: (...args) => gate.pass(effect("schedules.request"), () => schedules.request(...args)),
    get: (name) => gate.pass(read("schedules.get"), () => schedules.get(name)),
    getByKey: (key) => gate.pass(read("schedules.getByKey"), () => schedules.getByKey(key)),
    save: (...args) => gate.pass(effect("schedules.save"), () => schedules.save(...args)),
  };
}

function gateOutbox(outbox: Outbox, gate: Gate): Outbox {
  return {
    claim: (options) => gate.pass(effect("outbox.claim"), () => outbox.claim(options)),
    acknowledge: (...args) => gate.pass(effect("outbox.acknowledge"), () => outbox.acknowledge(...args)),
    fail: (...args) => gate.pass(effect("outbox.fail"), () => outbox.fail(...args)),
    release: (...args) => gate.pass(effect("outbox.release"), () => outbox.release(...args)),
    depth: () => gate.pass(read("outbox.depth"), () => outbox.depth()),
  };
}

function gateBell(bell: Pick<Bell, "ring">, gate: Gate): Pick<Bell, "ring"> {
  return {
    // Nobody awaits a ring: what becomes of it, no caller ever knows.
    ring: (topic, options) => void gate.pass(read("bell.ring"), () => Promise.resolve(bell.ring(topic, options))),
  };
}

function gateEmbedder(embedder: Embedder, gate: Gate): Embedder {
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

function gateIndex(index: VectorIndex, gate: Gate): VectorIndex {
  const send = async <T>(call: Call, signal: AbortSignal, effect: () => Promise<T>): Promise<T> => {
    assertAsked(signal);
    return inFlight(signal, gate.pass(call, effect));
  };
  return {
    prepare: (collection) => gate.pass(effect("index.prepare"), () => index.prepare(collection)),
    publish: (collection) => gate.pass(effect("index.publish"), () => index.publish(collection)),
    drop: (collection) => gate.pass(effect("index.drop"), () => index.drop(collection)),
    inspect: (collection, signal) => send(read("index.inspect"), signal, () => index.inspect(collection, NEVER)),
    scan: (collection, page, signal) => send(read("index.scan"), signal, () => index.scan(collection, page, NEVER)),
    listTenant: (collection, query, signal) => index.listTenant(collection, query, signal),
    fetchStates: (collection, ids, signal) =>
      send(read("index.fetchStates"), signal, () => index.fetchStates(collection, ids, NEVER)),
    upsert: (collection, points, signal) =>
      send(effect("index.upsert"), signal, () => index.upsert(collection, points, NEVER)),
    setPayload: (collection, points, signal) =>
      send(effect("index.setPayload"), signal, () => index.setPayload(collection, points, NEVER)),
    delete: (collection, ids, signal) =>
      send(effect("index.delete"), signal, () => index.delete(collection, ids, NEVER)),
    search: (collection, query, signal) =>
      send(read("index.search"), signal, () => index.search(collection, query, NEVER)),
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
