/**
 * What became of the bytes read so far: known already, stored, or saved by compression. Only arithmetic.
 */
interface Counted {
  readonly bytes: number;
  readonly dedupedBytes: number;
  readonly storedBytes: number;
}

export interface MakeUpBytes {
  readonly known: number;
  readonly stored: number;
  readonly saved: number;
}

/** The three add up to the bytes read: what padding and the manifest add is no part of the file. */
export function makeUpOf(counted: Counted | undefined): MakeUpBytes {
  if (counted === undefined) return { known: 0, stored: 0, saved: 0 };
  const { bytes, dedupedBytes: known, storedBytes } = counted;
  const stored = Math.min(storedBytes, Math.max(0, bytes - known));
  return { known, stored, saved: Math.max(0, bytes - known - stored) };
}
