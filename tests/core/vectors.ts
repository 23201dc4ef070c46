/** Reads what lies in fixtures/vectors/. Every file there says in `source` where its values come from. */
import { readFileSync } from 'node:fs';

const folder = new URL('../../../fixtures/vectors/', import.meta.url);

export const readFixture = (name: string): Buffer => readFileSync(new URL(name, folder));

export function readVectors<Vectors>(name: string): Vectors & { readonly source: string } {
  return JSON.parse(readFixture(`${name}.json`).toString('utf8'));
}

export const fromHex = (digits: string): Buffer => Buffer.from(digits, 'hex');
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Bytes written as runs of `[hex digits, how many times]`, so that a bomb stays small in its file. */
export type Runs = readonly (readonly [string, number])[];

export const fromRuns = (runs: Runs): Buffer =>
  Buffer.concat(runs.map(([digits, times]) => fromHex(digits.repeat(times))));
