/** Hands the equipment from jest's global setup to its teardown, which are separate modules of one process. */
import type { Equipment } from "./equipment.ts";

const KEY = Symbol.for("engram.test-equipment");

export function keepEquipment(equipment: Equipment): void {
  Reflect.set(globalThis, KEY, equipment);
}

export function takeEquipment(): Equipment | undefined {
  const equipment = Reflect.get(globalThis, KEY) as Equipment | undefined;
  Reflect.deleteProperty(globalThis, KEY);
  return equipment;
}
