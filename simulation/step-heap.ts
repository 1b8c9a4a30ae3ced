/** Binary heap of request numbers ordered by the step they finish at, in typed arrays that grow. */
export class StepHeap {
  #keys = new Float64Array(64);
  #values = new Int32Array(64);
  #size = 0;

  /** Requests in the heap. */
  get size(): number {
    return this.#size;
  }

  /** Smallest key, or Infinity when empty. */
  get least(): number {
    return this.#size === 0 ? Infinity : (this.#keys[0] ?? Infinity);
  }

  /** Adds a request. */
  push(key: number, value: number): void {
    if (this.#size === this.#keys.length) this.#grow();
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentKey = this.#keys[parent] ?? 0;
      if (parentKey <= key) break;
      this.#keys[hole] = parentKey;
      this.#values[hole] = this.#values[parent] ?? 0;
      hole = parent;
    }
    this.#keys[hole] = key;
    this.#values[hole] = value;
  }

  /** Removes the request with the smallest key and returns it. */
  pop(): number {
    const top = this.#values[0] ?? -1;
    const key = this.#keys[--this.#size] ?? 0;
    const value = this.#values[this.#size] ?? 0;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && (this.#keys[child + 1] ?? 0) < (this.#keys[child] ?? 0)) child++;
      const childKey = this.#keys[child] ?? 0;
      if (childKey >= key) break;
      this.#keys[hole] = childKey;
      this.#values[hole] = this.#values[child] ?? 0;
      hole = child;
    }
    this.#keys[hole] = key;
    this.#values[hole] = value;
    return top;
  }

  #grow(): void {
    const keys = new Float64Array(2 * this.#keys.length);
    keys.set(this.#keys);
    this.#keys = keys;
    const values = new Int32Array(2 * this.#values.length);
    values.set(this.#values);
    this.#values = values;
  }
}
