export { growHeapByUse } from "./heap.ts";
export { keepTrying } from "./keep-trying.ts";
export { createFollowedTargets, createLiveTarget, type OpenTarget } from "./live-target.ts";
export { examineQueue } from "./open-queue.ts";
export { chooseSockets, openSockets, openTruth, type Chosen, type Sockets } from "./open-sockets.ts";
export { prepareIndex, type PreparedIndex } from "./prepare-index.ts";
export { databaseProblem, migrateWhenReady, Readiness, type SocketName, type SocketState } from "./readiness.ts";
export { runProcess, type Process } from "./run-process.ts";
export type { WorkGate, WorkPermit } from "./work-gate.ts";
