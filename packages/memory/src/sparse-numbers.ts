import { scratch } from "./scratch.ts";

/** Numbers at places, nearly all of them 0: only the others are gone through and set back. For a work of `scratch`. */
export class SparseNumbers {
  readonly at: Float64Array;
  readonly #touched: Int32Array;
  #count = 0;

  constructor(length: number) {
    this.at = scratch.float64(length);
    this.#touched = scratch.int32(length);
  }

  /** The places that are not 0, in no order. */
  get places(): Int32Array {
    return this.#touched.subarray(0, this.#count);
  }

  /** To `value` where it is less; 0 is the least, and what is no number changes nothing. */
  raise(place: number, value: number): void {
    const known = this.at[place] as number;
    if (!(value > known)) return;
    if (known === 0) this.#touched[this.#count++] = place;
    this.at[place] = value;
  }

  clear(): void {
    for (const place of this.places) this.at[place] = 0;
    this.#count = 0;
  }
}
