// Bytes and choices that are the same in every run: from a seed, never from the clock.
import { createCipheriv } from 'node:crypto';

/** `length` bytes that do not compress, the same for the same seed; 1 GB/s. */
export function sampleBytes(seed: number | string, length: number): Buffer {
  const key = Buffer.alloc(32);
  key.write(String(seed), 'utf8');
  return createCipheriv('chacha20', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Bytes that compress: lines of words. */
export function sampleText(seed: number | string, length: number): Buffer {
  const words = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel\n'];
  const picks = sampleBytes(seed, Math.ceil(length / 4));
  let text = '';
  for (const pick of picks) {
    if (text.length >= length) break;
    text += `${words[pick % words.length]} `;
  }
  return Buffer.from(text.padEnd(length, '.').slice(0, length));
}

/** The seed of this run, to stand in a title. `DISKTRO_TEST_SEED=<seed>` runs with it again. */
export function runSeed(): number {
  const given = Number.parseInt(process.env.DISKTRO_TEST_SEED ?? '', 10);
  return Number.isNaN(given) ? Math.floor(Math.random() * 2 ** 31) : given;
}

/** Choices from a seed. */
export interface Chance {
  /** A whole number from 0 to `below` - 1. */
  whole(below: number): number;
  /** True with this probability. */
  hit(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** The mulberry32 generator: small, and good enough to choose with. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (below: number): number => Math.floor(next() * below);
  return {
    whole,
    hit: (probability) => next() < probability,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[whole(items.length)] as T;
    },
  };
}

/** A stream that gives `bytes` in slices of these lengths, over and over. */
export async function* sliced(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.byteLength; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
