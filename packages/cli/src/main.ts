import { Command } from "commander";
import { doctor } from "./doctor.ts";
import { runMigrations } from "./migrate.ts";

const program = new Command("engram").description("Self-hosted memory for agents and automations");

program
  .command("start", { isDefault: true })
  .description("Run API and worker in one process, on embedded defaults where nothing is configured")
  .action(async () => {
    const { startAllInOne } = await import("@engram/all-in-one");
    await startAllInOne();
  });

program.command("migrate").description("Bring the database's schema up to this version").action(runMigrations);

program.command("doctor").description("Check each socket and say what to do").action(doctor);

await program.parseAsync();
