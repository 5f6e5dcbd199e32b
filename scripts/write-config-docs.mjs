// Writes .env.example and docs/configuration.md from the table in packages/config/src/variables.ts.
// Usage: node scripts/run.mjs scripts/write-config-docs.mjs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderConfigurationPage, renderEnvExample } from "../packages/config/src/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
writeFileSync(join(root, ".env.example"), renderEnvExample());
writeFileSync(join(root, "docs", "configuration.md"), renderConfigurationPage());
