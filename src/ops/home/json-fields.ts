/**
 * Reads the fields of a small JSON file with suspicion. By hand and not with zod: these files are read before the
 * password work can start, and zod would hold that up by 35 ms and 13 MiB.
 */
import type { IntegrityCode } from '../../errors.js';
import { integrityError } from '../../errors.js';

export interface JsonFields {
  fail(why: string): never;
  value(key: string): unknown;
  text(key: string, maxLength: number): string;
  integer(key: string, least: number, most: number): number;
  /** Lower-case hex digits of exactly this many bytes. */
  hex(key: string, bytes: number): string;
  oneOf<T extends string>(key: string, allowed: readonly T[]): T;
}

/** @param what names the file in messages, which begin with it */
export function jsonFields(json: unknown, what: string, code: IntegrityCode): JsonFields {
  const fail = (why: string): never => {
    throw integrityError(code, `${what}: ${why}`);
  };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return fail('expected a JSON object');
  const object = json as Readonly<Record<string, unknown>>;
  const value = (key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);
  return {
    fail,
    value,
    text(key, maxLength) {
      const text = value(key);
      if (typeof text === 'string' && text.length <= maxLength) return text;
      return fail(`${key}: expected text of at most ${maxLength} characters`);
    },
    integer(key, least, most) {
      const number = value(key);
      if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most)
        return number;
      return fail(`${key}: expected an integer from ${least} to ${most}`);
    },
    hex(key, bytes) {
      const text = value(key);
      if (typeof text === 'string' && text.length === bytes * 2 && /^[0-9a-f]*$/.test(text)) return text;
      return fail(`${key}: expected ${bytes * 2} lower-case hex digits`);
    },
    oneOf(key, allowed) {
      return (
        allowed.find((candidate) => candidate === value(key)) ??
        fail(`${key}: expected ${allowed.join(' or ')}`)
      );
    },
  };
}
