export function bm25(_: unknown): ReadonlyMap<string, number> { return new Map(); }
