/**
 * The gear table of a vault: 256 words from the chunker key, so that cut points differ from vault to vault
 * (docs/FORMAT.md, "Chunker"). Gear hashing: Xia et al., "FastCDC", USENIX ATC 2016.
 */
import { hkdf } from './hashes.js';

export const GEAR_WORDS = 256;

/** HKDF-SHA256(chunker key, no salt, "disktro/v1/gear") read as 256 u32 little-endian. */
export function gearTable(chunkerKey: Uint8Array): Uint32Array {
  const bytes = hkdf(chunkerKey, new Uint8Array(0), 'disktro/v1/gear', GEAR_WORDS * 4);
  return Uint32Array.from({ length: GEAR_WORDS }, (_, index) => bytes.readUInt32LE(index * 4));
}
