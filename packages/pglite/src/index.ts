export { openPGlite } from "./open-pglite.ts";
