export { doctor } from "./doctor.ts";
export { runMigrations } from "./migrate.ts";
