/**
 * Padmé written down from Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
 * algorithm 1, in whole numbers of any size: what the fast one is held against.
 */

function floorLog2(value: bigint): bigint {
  return BigInt(value.toString(2).length - 1);
}

export function padme(length: bigint): bigint {
  if (length < 2n) return length;
  const exponent = floorLog2(length);
  const mantissaBits = floorLog2(exponent) + 1n;
  const lastBits = exponent - mantissaBits;
  if (lastBits <= 0n) return length;
  const bitMask = 2n ** lastBits - 1n;
  return (length + bitMask) & ~bitMask;
}
