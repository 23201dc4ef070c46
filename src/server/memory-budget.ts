/** Memory that is taken before it is used, and waited for when there is none. */
export class MemoryBudget {
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  readonly #bytes: number;
  #free: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#free = bytes;
  }

  /** @returns what gives it back, to be called once */
  async take(bytes: number): Promise<() => void> {
    if (bytes > this.#free || this.#waiting.length > 0) {
      await new Promise<void>((start) => this.#waiting.push({ bytes, start }));
    } else this.#free -= bytes;
    return this.#giver(bytes);
  }

  /** Without waiting, and only while half of it all stays free. */
  takeNow(bytes: number): (() => void) | undefined {
    if (this.#free - bytes < this.#bytes / 2) return undefined;
    this.#free -= bytes;
    return this.#giver(bytes);
  }

  #giver(bytes: number): () => void {
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.#free += bytes;
      this.#serve();
    };
  }

  #serve(): void {
    for (
      let first = this.#waiting[0];
      first !== undefined && first.bytes <= this.#free;
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#free -= first.bytes;
      first.start();
    }
  }
}
