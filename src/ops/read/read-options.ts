/** What everything that reads files out of the vault takes. Types only. */
import type { ObjectSource } from '../copies/peer-source.js';

export interface ReassembleProgress {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly chunks: number;
}

export interface ReadOptions {
  readonly workers?: number | 'auto' | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ReassembleProgress) => void) | undefined;
  /** Where objects come from that this home does not have whole. */
  readonly source?: ObjectSource | undefined;
}
