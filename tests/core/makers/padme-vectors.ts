/** The table in fixtures/vectors/padme.json. */
import { padme } from '../twins/padme.js';

export interface PadmeVectors {
  /** `[length, padded length]` in bytes. */
  readonly table: readonly (readonly [number, number])[];
}

const LARGEST = 2 ** 40;

export function padmeVectors(): PadmeVectors & { readonly source: string } {
  const lengths = new Set<number>(Array.from({ length: 130 }, (_, length) => length));
  for (let power = 128; power <= LARGEST; power *= 2) {
    for (const length of [power - 1, power, power + 1, power * 1.5, power * 1.5 + 1]) lengths.add(length);
  }
  return {
    source:
      'computed by tests/core/twins/padme.ts, which is algorithm 1 of Nikitin et al., "Reducing Metadata Leakage from ' +
      'Encrypted Files and Communication with PURBs" (PoPETs 2019), in whole numbers of any size',
    table: [...lengths]
      .filter((length) => length <= LARGEST)
      .sort((a, b) => a - b)
      .map((length) => [length, Number(padme(BigInt(length)))]),
  };
}
