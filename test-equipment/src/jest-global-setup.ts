/**
 * Gives every test file the addresses of real services. Does nothing when they are in the environment already (a shell that
 * ran `up.ts`), or when `ENGRAM_TEST_EQUIPMENT=none` asks for the tests that need no service only.
 */
import { startEquipment } from "./equipment.ts";
import { keepEquipment } from "./running-equipment.ts";

export default async function setUp(): Promise<void> {
  if (process.env["ENGRAM_TEST_DATABASE_URL"] !== undefined) return;
  if (process.env["ENGRAM_TEST_EQUIPMENT"] === "none") return;
  const equipment = await startEquipment();
  keepEquipment(equipment);
  // Test files run in processes forked later, which inherit this.
  Object.assign(process.env, equipment.env);
}
