/** What it means when a file has fewer copies than its owner insists on. */
import { DisktroError } from '../../errors.js';
import type { ChunkResult } from './chunk.js';

/** The error to end with when fewer than `least` copies of a stored file are confirmed, this node's included. */
export function tooFewCopies(
  { name, copies }: Pick<ChunkResult, 'name' | 'copies'>,
  least: number,
): DisktroError | undefined {
  if (copies.confirmed >= least) return undefined;
  const wanted = `expected at least ${least} ${least === 1 ? 'copy' : 'copies'}`;
  return new DisktroError('E_TOO_FEW_COPIES', `${name}: ${wanted}, ${copies.confirmed} confirmed`, {
    hint: 'the file is stored here; add peers, or lower min_replicas',
    details: { name, ...copies },
  });
}
