/**
 * How fast something goes and how long it will take, from what was done when. The clock is handed in.
 */

const WINDOW_MS = 5_000;

interface Mark {
  readonly atMs: number;
  readonly bytes: number;
}

/** A rate over the last five seconds: a stall shows soon, a hiccup does not. */
export class Pace {
  #marks: readonly Mark[] = [];

  note(bytes: number, atMs: number): void {
    const last = this.#marks.at(-1);
    const isBack = last !== undefined && bytes < last.bytes;
    // One mark a tenth of a second is enough, and bounds the list.
    if (last !== undefined && !isBack && atMs - last.atMs < 100) return;
    const kept = isBack ? [] : this.#marks.filter((mark) => atMs - mark.atMs <= WINDOW_MS);
    this.#marks = [...kept, { atMs, bytes }];
  }

  /** Bytes per second; 0 before it can be told. */
  rate(atMs: number): number {
    const first = this.#marks[0];
    const last = this.#marks.at(-1);
    if (first === undefined || last === undefined || last.bytes === first.bytes) return 0;
    const seconds = (Math.max(atMs, last.atMs) - first.atMs) / 1000;
    return seconds < 0.2 ? 0 : (last.bytes - first.bytes) / seconds;
  }

  /** Seconds until all of it is done; Infinity before it can be told. */
  secondsLeft(totalBytes: number, atMs: number): number {
    const rate = this.rate(atMs);
    const done = this.#marks.at(-1)?.bytes ?? 0;
    return rate === 0 ? Number.POSITIVE_INFINITY : Math.max(0, totalBytes - done) / rate;
  }
}
