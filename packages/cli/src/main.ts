import { Command } from "commander";
import { backup, restore } from "./backup.ts";
import { doctor } from "./doctor.ts";
import { changeJobs, listJobs } from "./jobs.ts";
import { runMigrations } from "./migrate.ts";
import { reconcile, type ReconcileOptions } from "./reconcile.ts";
import { reindexCancel, reindexEstimate, reindexRollback, reindexStatus } from "./reindex.ts";

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

program
  .command("backup")
  .description("The embedded database as an archive, while Engram does not run")
  .option("--to <folder>", "where to; unset: BACKUP_DIR")
  .action((options: { to?: string }) => backup(options));

program
  .command("restore")
  .description("An archive of `engram backup` instead of the embedded database, which is kept beside it")
  .argument("<file>", "mem0_backup_DATE.tar.gz")
  .action((file: string) => restore(file));

program
  .command("reconcile")
  .description("Compare the index with the memories, and have the workers mend what differs")
  .option("--dry-run", "only count; exit code 2 when something differs")
  .option("--wait", "until the workers have mended it and a comparison finds nothing")
  .option("--json", "the report as JSON on standard output, and nothing else")
  .action((options: ReconcileOptions) => reconcile(options));

const reindex = program
  .command("reindex")
  .description("Another embedding model: how far it is, what it costs, the way back");
reindex
  .command("status", { isDefault: true })
  .description("Every index that follows the memories")
  .action(reindexStatus);
reindex.command("estimate").description("What the configured model would cost; begins nothing").action(reindexEstimate);
reindex.command("rollback").description("Make the index that was replaced the live one again").action(reindexRollback);
reindex.command("cancel").description("Give up an index that is being filled").action(reindexCancel);

const jobs = program.command("jobs").description("Work that was tried in vain and waits for somebody to look at it");
jobs.command("list", { isDefault: true }).description("Backlog, and parked work with its reason").action(listJobs);
jobs
  .command("retry")
  .description("Try parked work again")
  .argument("[ids...]", "as listed")
  .option("--all", "all that is parked")
  .action((ids: readonly string[], options: { all?: true }) => changeJobs("retry", ids, options));
jobs
  .command("discard")
  .description("Give parked work up")
  .argument("[ids...]", "as listed")
  .option("--all", "all that is parked")
  .action((ids: readonly string[], options: { all?: true }) => changeJobs("discard", ids, options));

await program.parseAsync();
