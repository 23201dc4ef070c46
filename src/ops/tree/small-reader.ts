/**
 * A thread that reads small files for the one that walks: while the disk seeks for some of them, others are put
 * together, and their hashes are worked out on another core.
 */
import { serveJobs } from '../../core/worker/serve-jobs.js';
import { loadExtendedAttributes } from '../../store/extended-attributes.js';
import { contentHash } from './known-contents.js';
import { readSmall } from './read-small.js';
import { SmallReadSlot } from './small-read.js';

export interface SmallReadJob {
  readonly memory: SharedArrayBuffer;
  readonly files: readonly SmallFile[];
}

export interface SmallFile {
  readonly file: string | Uint8Array;
  readonly sizeBytes: number;
  /** Where its bytes go; there is room for one more than `sizeBytes`. */
  readonly offset: number;
}

/** Of the files that could not be read. */
export interface SmallReadFailure {
  readonly index: number;
  readonly code: string | undefined;
  readonly message: string;
}

const attributes = loadExtendedAttributes();

serveJobs(async ({ memory, files }: SmallReadJob): Promise<readonly SmallReadFailure[]> => {
  const slot = new SmallReadSlot(memory);
  const calls = await attributes;
  const failures: SmallReadFailure[] = [];
  for (const [index, { file, sizeBytes, offset }] of files.entries()) {
    try {
      const room = slot.room(offset, sizeBytes + 1);
      const { bytes, after } = readSmall(
        typeof file === 'string' ? file : Buffer.from(file),
        room,
        sizeBytes,
      );
      const hash = contentHash(room.subarray(0, Math.min(bytes, sizeBytes)));
      slot.set(index, bytes, hash, after, typeof file === 'string' && isPlain(file));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      failures.push({ index, code, message });
    }
  }
  return failures;

  /** What cannot be looked at is left to whoever tells of it. */
  function isPlain(file: string): boolean {
    try {
      return calls !== undefined && calls.read(file) === undefined;
    } catch {
      return false;
    }
  }
});
