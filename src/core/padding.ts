/**
 * Padmé: lengths are rounded up so that they say little about the content.
 * Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs 2019, algorithm 1.
 * At most 12 % is added, about 3 % at 1 MiB; the number of distinct lengths up to L grows with log log L.
 */

/**
 * The padded length of `lengthBytes` (0 … 2^40): the smallest number ≥ it whose low bits are zero,
 * where E = ⌊log2 L⌋ is the exponent and only the upper ⌊log2 E⌋ + 1 bits of the mantissa may be set.
 */
export function padmeLength(lengthBytes: number): number {
  if (lengthBytes < 2) return lengthBytes;
  const exponent = floorLog2(lengthBytes);
  const zeroBits = exponent - (floorLog2(exponent) + 1);
  if (zeroBits <= 0) return lengthBytes;
  const unit = 2 ** zeroBits;
  return Math.ceil(lengthBytes / unit) * unit;
}

function floorLog2(value: number): number {
  return value < 2 ** 31 ? 31 - Math.clz32(value) : Math.floor(Math.log2(value));
}
