/** The bytes of one open file as a source, and what its errors mean to a person. Knows nothing of entries or chunks. */
import type { ByteSource } from '../../core/input-window.js';
import { abortedError, DisktroError, reasonOf } from '../../errors.js';
import type { OpenFile } from '../../store/file-system.js';

/** Closing waits for the read under way: its descriptor's number must not become another file's before. */
export function fileSource(file: OpenFile, shown: string): ByteSource {
  let reading: Promise<unknown> = Promise.resolve();
  return {
    read(target) {
      const read = file.read(target, null).catch(inputError(shown));
      reading = read.catch(() => {});
      return read;
    },
    async close() {
      await reading;
    },
  };
}

export const STREAM_HINT =
  'to store what a stream gives, pipe it in and name `-`: COMMAND | disktro chunk - --name NAME';

/** A handler that throws `E_INPUT` with the reason, or E_ABORTED. */
export function inputError(shown: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ABORT_ERR') throw abortedError(error);
    if (code === 'EISDIR') throw notAFile(shown, 'a folder');
    throw new DisktroError('E_INPUT', `cannot read ${JSON.stringify(shown)}: ${reasonOf(error)}`, {
      // A socket, as /dev/stdin may be one, cannot be opened by a path.
      ...(code === 'ENXIO' ? { hint: STREAM_HINT } : {}),
      details: { path: shown, errno: code },
      cause: error,
    });
  };
}

export function notAFile(shown: string, what: string, hint?: string): DisktroError {
  return new DisktroError('E_INPUT', `cannot store ${JSON.stringify(shown)}: expected a file, got ${what}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { path: shown },
  });
}
