// The whole suite over one PostgreSQL as Supabase hands it out. Usage: npm run acceptance:supabase [-- JEST_ARGUMENTS]
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const folder = import.meta.dirname;
const jest = join(folder, "..", "node_modules", "jest", "bin", "jest.js");
const program = ["--experimental-vm-modules", "--no-warnings", jest, "--config", join(folder, "jest.config.mjs")];
const { status } = spawnSync(process.execPath, [...program, ...process.argv.slice(2)], {
  cwd: folder,
  stdio: "inherit",
  env: { ...process.env, ENGRAM_TARGET: "supabase" },
});
process.exitCode = status ?? 1;
