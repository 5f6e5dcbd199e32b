export { createPgvectorIndex } from "./create-index.ts";
export { takeOverFormer, type TakeOverOptions, type TakeOverReport } from "./former/take-over.ts";
