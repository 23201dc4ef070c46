/**
 * Deterministic CBOR (RFC 8949 §4.2.1): the only spelling of a value that is written, and the only one that is read.
 * Maps come back as `Map`, so that no key can reach a prototype.
 */
import { decodeFirst, encode, rfc8949EncodeOptions } from 'cborg';
import { integrityError } from '../errors.js';

export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<string, CborValue>
  | { readonly [key: string]: CborValue };

const DECODE_OPTIONS = {
  strict: true,
  useMaps: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  rejectDuplicateMapKeys: true,
} as const;

export function encodeCbor(value: CborValue): Uint8Array {
  return encode(value, rfc8949EncodeOptions);
}

/**
 * Reads exactly one value and refuses anything after it, and every spelling that {@link encodeCbor} would not write.
 * @throws E_CBOR_INVALID
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const [value, rest] = readFirst(bytes);
  if (rest.byteLength !== 0)
    throw integrityError('E_CBOR_INVALID', `CBOR: ${rest.byteLength} bytes after the value`);
  expectDeterministic(value, bytes);
  return value;
}

/** Reads a CBOR sequence (RFC 8742): values one after another. */
export function* decodeCborSequence(bytes: Uint8Array): Generator<CborValue> {
  for (let rest = bytes; rest.byteLength > 0; ) {
    const [value, after] = decodeFirstCbor(rest);
    yield value;
    rest = after;
  }
}

/** Reads the first value of a sequence. @returns it and what is behind it. @throws E_CBOR_INVALID */
export function decodeFirstCbor(bytes: Uint8Array): [CborValue, Uint8Array] {
  const [value, rest] = readFirst(bytes);
  expectDeterministic(value, bytes.subarray(0, bytes.byteLength - rest.byteLength));
  return [value, rest];
}

function expectDeterministic(value: CborValue, bytes: Uint8Array): void {
  if (isWrittenLike(value, bytes)) return;
  throw integrityError('E_CBOR_INVALID', 'CBOR: not in deterministic form');
}

function isWrittenLike(value: CborValue, bytes: Uint8Array): boolean {
  try {
    return Buffer.compare(encodeCbor(value), bytes) === 0;
  } catch {
    // Nested deeper than the encoder's stack reaches: nothing that encodeCbor has written.
    return false;
  }
}

function readFirst(bytes: Uint8Array): [CborValue, Uint8Array] {
  try {
    return decodeFirst(bytes, DECODE_OPTIONS) as [CborValue, Uint8Array];
  } catch (cause) {
    throw integrityError('E_CBOR_INVALID', `CBOR: ${(cause as Error).message}`, { cause });
  }
}
