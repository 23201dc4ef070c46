/**
 * Which files a drill tries: at random, each as likely as it is long, none twice (Efraimidis and Spirakis, "Weighted
 * random sampling with a reservoir", 2006). The same seed chooses the same of the same. Knows no manifests, no chunks.
 */
import { sha256 } from '../../core/hashes.js';

/** Numbers from 0 to 1, neither of them: the hash of a counter. */
export type RandomNumbers = () => number;

/** @param seed 0 to 2^32 − 1 */
export function randomNumbers(seed: number): RandomNumbers {
  const input = Buffer.alloc(8);
  input.writeUInt32LE(seed, 0);
  let counter = 0;
  return () => {
    input.writeUInt32LE(counter++, 4);
    return (sha256(input).readUInt32LE(0) + 0.5) / 2 ** 32;
  };
}

/** Small for what is long, and random; endless for what has no bytes. The least ones are taken. */
function rankOf(bytes: number, random: RandomNumbers): number {
  return -Math.log(random()) / bytes;
}

/** All of them in a random order in which long ones tend to come first. */
export function shuffledByBytes<T extends { readonly bytes: number }>(
  items: readonly T[],
  random: RandomNumbers,
): readonly T[] {
  return items
    .map((item) => ({ item, rank: rankOf(item.bytes, random) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ item }) => item);
}

interface Ranked<T> {
  readonly item: T;
  readonly bytes: number;
  readonly rank: number;
}

/** What is taken of a tree is kept in memory until it is tried. */
export const MOST_TAKEN = 10_000;

/** Takes as many of the items that it is offered, one after another, as have the wanted bytes together. */
export class ByteSample<T> {
  readonly #wantedBytes: number;
  readonly #random: RandomNumbers;
  /** By rank. */
  readonly #taken: Ranked<T>[] = [];
  #bytes = 0;

  constructor(wantedBytes: number, random: RandomNumbers) {
    this.#wantedBytes = wantedBytes;
    this.#random = random;
  }

  offer(item: T, bytes: number): void {
    const rank = rankOf(bytes, this.#random);
    const last = this.#taken.at(-1);
    if (last !== undefined && rank >= last.rank && this.#isFull(this.#bytes)) return;
    const at = this.#taken.findIndex((other) => other.rank > rank);
    this.#taken.splice(at === -1 ? this.#taken.length : at, 0, { item, bytes, rank });
    this.#bytes += bytes;
    this.#dropSurplus();
  }

  /** At least one, if any was offered. */
  items(): readonly T[] {
    return this.#taken.map(({ item }) => item);
  }

  #dropSurplus(): void {
    for (
      let last = this.#taken.at(-1);
      last !== undefined && this.#taken.length > 1;
      last = this.#taken.at(-1)
    ) {
      if (!this.#isFull(this.#bytes - last.bytes) && this.#taken.length <= MOST_TAKEN) return;
      this.#taken.pop();
      this.#bytes -= last.bytes;
    }
  }

  #isFull(bytes: number): boolean {
    return bytes >= this.#wantedBytes || this.#taken.length > MOST_TAKEN;
  }
}
