/**
 * Two brakes: bandwidth that several streams share, and how often one sender may ask. Both are token buckets that know
 * no sockets; clocks are passed in.
 */
import { isIPv6 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from '../errors.js';

export interface Clock {
  /** Ms since any fixed moment; never goes back. */
  now(): number;
  /** Rejects when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};

/** What may go at once after a pause, as time at the full rate: enough to keep a line busy, too little to flood it. */
const BURST_MS = 250;

/** So many bytes per second for all who take from it, in the order of asking. */
export class BandwidthLimit {
  readonly bytesPerSecond: number;
  readonly #clock: Clock;
  /** When all that was granted so far will have gone at the full rate. */
  #paidUntilMs: number;

  /** @param bytesPerSecond more than 0 */
  constructor(bytesPerSecond: number, clock: Clock = realClock) {
    this.bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
    this.#paidUntilMs = clock.now() - BURST_MS;
  }

  /**
   * Resolves when `bytes` may go. More than the burst is granted in one piece, and the next one waits the longer.
   * @throws E_ABORTED, and then takes nothing
   */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const now = this.#clock.now();
    const startMs = Math.max(this.#paidUntilMs, now - BURST_MS);
    const costMs = (bytes / this.bytesPerSecond) * 1000;
    this.#paidUntilMs = startMs + costMs;
    if (startMs <= now) return;
    try {
      await this.#clock.sleep(startMs - now, signal);
    } catch (error) {
      this.#paidUntilMs -= costMs;
      throwIfAborted(signal);
      throw error;
    }
  }
}

/** @returns undefined where there is no limit: nothing said, or 0 */
export function bandwidthLimit(bytesPerSecond: number | undefined): BandwidthLimit | undefined {
  return bytesPerSecond === undefined || bytesPerSecond === 0
    ? undefined
    : new BandwidthLimit(bytesPerSecond);
}

export interface RequestLimits {
  /** Requests that one key may make in `windowMs`, and at once. */
  readonly perKey: number;
  /** Requests that all keys together may make in `windowMs`. */
  readonly total: number;
  readonly windowMs: number;
  /** Keys remembered; of more the longest silent one is forgotten, which `total` keeps harmless. */
  readonly maxKeys?: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Says yes to the first few requests of a key and then to as many as the rate allows. */
export class RequestLimit {
  readonly #limits: Required<RequestLimits>;
  readonly #now: () => number;
  /** In the order of their last request. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #all: Bucket;

  constructor(limits: RequestLimits, now: () => number = realClock.now) {
    this.#limits = { maxKeys: 10_000, ...limits };
    this.#now = now;
    this.#all = { tokens: limits.total, atMs: now() };
  }

  /** Whether one more request is fine; if so it counts. A refused one costs nothing. */
  allow(key: string): boolean {
    const now = this.#now();
    const { perKey, total, windowMs, maxKeys } = this.#limits;
    const bucket = this.#buckets.get(key) ?? { tokens: perKey, atMs: now };
    refill(bucket, perKey, windowMs, now);
    refill(this.#all, total, windowMs, now);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > maxKeys) {
      const [longestSilent] = this.#buckets.keys();
      if (longestSilent !== undefined) this.#buckets.delete(longestSilent);
    }
    if (bucket.tokens < 1 || this.#all.tokens < 1) return false;
    bucket.tokens--;
    this.#all.tokens--;
    return true;
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#buckets.size;
  }
}

function refill(bucket: Bucket, most: number, windowMs: number, now: number): void {
  bucket.tokens = Math.min(most, bucket.tokens + ((now - bucket.atMs) / windowMs) * most);
  bucket.atMs = now;
}

/** Under what key an address is counted: IPv4 as it is, IPv6 by its first 64 bits, which one household has whole. */
export function addressKey(remoteAddress: string): string {
  const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
