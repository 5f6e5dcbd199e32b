export { createWorkingSets, type WorkingSets, type WorkingSetsOptions } from "./working-sets.ts";
export { seenRows } from "./seen-rows.ts";
export { searchVectors as searchVectorsIn } from "./search-vectors.ts";
export { searchWords as searchWordsIn } from "./search-words.ts";
export { emptySet, patch, type Arrival, type WorkingSet } from "./working-set.ts";
