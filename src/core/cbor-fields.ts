/** Reads a decoded CBOR map field by field, and refuses the whole of it when one is wrong, missing or unknown. */
import type { IntegrityCode } from '../errors.js';
import { integrityError } from '../errors.js';
import { MAX_NAME_BYTES } from '../limits.js';
import type { CborValue } from './cbor.js';

/** CBOR allows any value as a key. */
const isTextMap = (value: CborValue | undefined): value is ReadonlyMap<string, CborValue> =>
  value instanceof Map && [...value.keys()].every((key) => typeof key === 'string');

/** Reads the fields of a CBOR map, each exactly once, and names the one that is wrong. */
export class CborFields {
  readonly #what: string;
  readonly #map: ReadonlyMap<string, CborValue>;
  readonly #code: IntegrityCode;
  readonly #read = new Set<string>();

  constructor(what: string, value: CborValue, code: IntegrityCode) {
    this.#what = what;
    this.#code = code;
    if (!isTextMap(value)) throw integrityError(code, `${what}: expected a map with names of text`);
    this.#map = value;
  }

  fail(why: string): never {
    throw integrityError(this.#code, `${this.#what}: ${why}`);
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  value(key: string): CborValue | undefined {
    this.#read.add(key);
    return this.#map.get(key);
  }

  integer(key: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.value(key);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
    return this.fail(`${key}: expected an integer from 0 to ${most}`);
  }

  bigint(key: string): bigint {
    const value = this.value(key);
    if (typeof value === 'bigint' || Number.isSafeInteger(value)) return BigInt(value as bigint | number);
    return this.fail(`${key}: expected an integer`);
  }

  text(key: string): string {
    const value = this.value(key);
    if (typeof value === 'string' && Buffer.byteLength(value) <= MAX_NAME_BYTES) return value;
    return this.fail(`${key}: expected text of at most ${MAX_NAME_BYTES} bytes`);
  }

  textOrBytes(key: string, most: number = Number.MAX_SAFE_INTEGER): string | Uint8Array {
    const value = this.value(key);
    const isFine = typeof value === 'string' || value instanceof Uint8Array;
    if (isFine && Buffer.byteLength(value) <= most) return value;
    return this.fail(`${key}: expected text or bytes, at most ${most}`);
  }

  oneOf<T extends string>(key: string, allowed: readonly T[]): T {
    const value = allowed.find((candidate) => candidate === this.value(key));
    return value ?? this.fail(`${key}: expected one of ${allowed.join(', ')}`);
  }

  list(key: string): readonly CborValue[] {
    const value = this.value(key);
    return Array.isArray(value) ? value : this.fail(`${key}: expected a list`);
  }

  texts(key: string, most: number): readonly string[] {
    const texts = this.list(key);
    const isFine =
      texts.length <= most &&
      texts.every((text) => typeof text === 'string' && Buffer.byteLength(text) <= MAX_NAME_BYTES);
    return isFine ? (texts as readonly string[]) : this.fail(`${key}: expected at most ${most} texts`);
  }

  byteMap(key: string): ReadonlyMap<string, Uint8Array> {
    const value = this.value(key);
    if (isTextMap(value) && [...value.values()].every((bytes) => bytes instanceof Uint8Array)) {
      return value as ReadonlyMap<string, Uint8Array>;
    }
    return this.fail(`${key}: expected a map of bytes`);
  }

  expectNoOthers(): void {
    for (const key of this.#map.keys()) {
      if (!this.#read.has(key)) this.fail(`unknown field ${JSON.stringify(key)}`);
    }
  }
}
