/**
 * One spelling for each JSON value, and signatures over it: what two programs sign is the same bytes or nothing.
 * Keys are sorted, white space is absent, numbers are integers (docs/PROTOCOL.md, "Member records").
 * Knows no fields.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { MAX_JSON_DEPTH } from './bounded-json.js';

const LONE_SURROGATE = /\p{Surrogate}/u;
const SIGNATURE_BYTES = 64;

/**
 * The value as canonical JSON: keys in the order of their UTF-16 code units, strings as `JSON.stringify` writes them.
 * Takes null, booleans, integers up to 2^53 − 1, well-formed strings, arrays and plain objects of these.
 * @throws TypeError for anything else (fractions, undefined, dates, holes) and for more than 32 levels
 */
export function canonicalJson(value: unknown): string {
  return write(value, 1);
}

/**
 * Signs a JSON value for one purpose.
 * @param purpose such as `member`: a signature for one is none for another
 * @param privateKey Ed25519
 * @returns 64 bytes in base64
 * @throws TypeError as {@link canonicalJson}
 */
export function signJson(purpose: string, value: unknown, privateKey: KeyObject): string {
  return sign(null, signedBytes(purpose, value), privateKey).toString('base64');
}

/**
 * True if `signature` is the key's over this value and purpose; false for everything else, also for values that
 * have no canonical form and for text that is not the one base64 spelling of 64 bytes.
 * @param publicKey Ed25519
 */
export function verifyJson(
  purpose: string,
  value: unknown,
  publicKey: KeyObject,
  signature: string,
): boolean {
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.byteLength !== SIGNATURE_BYTES || bytes.toString('base64') !== signature) return false;
  // With another kind of key, null as the digest would mean another scheme.
  if (publicKey.asymmetricKeyType !== 'ed25519') return false;
  try {
    return verify(null, signedBytes(purpose, value), publicKey, bytes);
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function signedBytes(purpose: string, value: unknown): Buffer {
  return Buffer.from(`disktro/v1/${purpose}\n${canonicalJson(value)}`);
}

function write(value: unknown, depth: number): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeText(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value !== 'object') throw new TypeError(`canonical JSON: expected no ${describe(value)}`);
  if (depth > MAX_JSON_DEPTH) throw new TypeError(`canonical JSON: deeper than ${MAX_JSON_DEPTH} levels`);
  // Array.from, unlike map, does not step over holes.
  if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, depth + 1)).join(',')}]`;
  return `{${writeFields(value, depth)}}`;
}

function writeText(text: string): string {
  if (LONE_SURROGATE.test(text)) throw new TypeError('canonical JSON: expected well-formed text');
  return JSON.stringify(text);
}

function writeFields(object: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('canonical JSON: expected a plain object');
  }
  const fields = object as Readonly<Record<string, unknown>>;
  return Object.keys(fields)
    .sort()
    .map((key) => `${writeText(key)}:${write(fields[key], depth + 1)}`)
    .join(',');
}

const describe = (value: unknown): string => (typeof value === 'number' ? `number ${value}` : typeof value);
