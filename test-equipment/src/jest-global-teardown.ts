/** Stops what the global setup started, and only that. */
import { takeEquipment } from "./running-equipment.ts";

export default async function tearDown(): Promise<void> {
  await takeEquipment()?.stop();
}
