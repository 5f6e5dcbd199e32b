export { createPgvectorIndex } from "./create-index.ts";
