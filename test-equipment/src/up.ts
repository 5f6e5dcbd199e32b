/**
 * `node src/up.ts`: starts everything, prints `export NAME=value` lines, and stays until it is interrupted. For working on
 * tests with one shell holding the services and another running `jest` over and over.
 */
import { startEquipment } from "./equipment.ts";

const KEEP_ALIVE_MS = 60_000;

const equipment = await startEquipment();
for (const [name, value] of Object.entries(equipment.env)) process.stdout.write(`export ${name}=${value}\n`);

const keepAlive = setInterval(() => undefined, KEEP_ALIVE_MS);
let isStopping = false;
const stop = (): void => {
  if (isStopping) return;
  isStopping = true;
  clearInterval(keepAlive);
  void equipment.stop().then(() => process.exit(0));
};
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
