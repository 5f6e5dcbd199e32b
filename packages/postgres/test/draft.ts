export { draft } from "@engram/memory/contracts/draft";
