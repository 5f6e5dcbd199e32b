export { backUpPGlite, restorePGlite } from "./archive.ts";
export { openPGlite } from "./open-pglite.ts";
