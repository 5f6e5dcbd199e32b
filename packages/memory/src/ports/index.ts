/*
 * The sockets: truth, vectors, queue, models. Each is an interface with at least two adapters behind one contract test
 * (`packages/<adapter>/test`), chosen once at start by `packages/sockets`, never by an `if` in the domain.
 */
export * from "./bell.ts";
export * from "./conversations.ts";
export * from "./extractions.ts";
export * from "./extractor.ts";
export * from "./index-targets.ts";
export * from "./indexable-rows.ts";
export * from "./jobs.ts";
export * from "./ledger.ts";
export * from "./memory-store.ts";
export * from "./models.ts";
export * from "./outbox.ts";
export * from "./searchable-rows.ts";
export * from "./vector-index.ts";
