/** For a user with ten thousand memories; what is larger than this is not kept between two pieces of work. */
const KEPT_MAX_BYTES = 2 ** 21;
const LEAST_BYTES = 2 ** 16;
/** What a list of any kind may begin at. */
const ALIGNED = 8;

/**
 * Lists of zeros that last as long as one piece of synchronous work. A search takes some thirty, each of a number for every
 * memory of a user; made anew, each of them would be allocated and freed by itself.
 */
export class Scratch {
  #buffer = new ArrayBuffer(LEAST_BYTES);
  #used = 0;
  /** Works that lie within each other. */
  #depth = 0;

  /** Runs `work`, after which nothing that it took from here may be looked at. Only a work may take something. */
  use<T>(work: () => T): T {
    const before = this.#used;
    this.#depth += 1;
    try {
      return work();
    } finally {
      this.#used = before;
      this.#depth -= 1;
      if (before === 0 && this.#buffer.byteLength > KEPT_MAX_BYTES) this.#buffer = new ArrayBuffer(LEAST_BYTES);
    }
  }

  float64(length: number): Float64Array {
    const from = this.#take(length * Float64Array.BYTES_PER_ELEMENT);
    return new Float64Array(this.#buffer, from, length).fill(0);
  }

  int32(length: number): Int32Array {
    const from = this.#take(length * Int32Array.BYTES_PER_ELEMENT);
    return new Int32Array(this.#buffer, from, length).fill(0);
  }

  uint8(length: number): Uint8Array {
    const from = this.#take(length);
    return new Uint8Array(this.#buffer, from, length).fill(0);
  }

  /** Where so many bytes are free; a buffer that is too small is left to the lists that are in it. */
  #take(bytes: number): number {
    if (this.#depth === 0) throw new Error("Taken outside of a work, nothing would come back");
    const from = Math.ceil(this.#used / ALIGNED) * ALIGNED;
    this.#used = from + bytes;
    if (this.#used > this.#buffer.byteLength) this.#buffer = new ArrayBuffer(2 * this.#used);
    return from;
  }
}

/** Of this process: work that is synchronous is alone in it. */
export const scratch = new Scratch();
