/**
 * What is stored: a file, a stream or an open descriptor, as bytes to read and the facts that go into its entry.
 * Reads only; knows nothing of chunks.
 */
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Entry } from '../../core/entry.js';
import type { ByteSource } from '../../core/input-window.js';
import type { OpenFile } from '../../store/file-system.js';
import { openFile } from '../../store/file-system.js';
import { fileSource, inputError, notAFile, STREAM_HINT } from './file-source.js';

export type InputEntry = Pick<Entry, 'path' | 'mode' | 'uid' | 'gid' | 'mtimeNs'>;

export interface Input {
  readonly source: ByteSource;
  readonly name: string;
  /** Where the file lies, absolute; undefined for what is no file. */
  readonly path?: string | Uint8Array;
  readonly entry: InputEntry;
  readonly totalBytes: number | undefined;
  readonly hasChanged?: (bytesRead: number) => Promise<boolean>;
}

const openForReading = promisify(fs.open);

/** Opens one file. The caller closes it. @throws E_INPUT when it cannot be read or is no file */
export async function openInput(
  file: string | Buffer,
  name: string | undefined,
): Promise<Input & { close(): Promise<void> }> {
  const shown = file.toString();
  // O_NONBLOCK: opening a fifo that nobody writes to must not hang before it can be refused.
  const flags = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
  const handle = openFile(await openForReading(file, flags).catch(inputError(shown)));
  try {
    const before = await handle.stat();
    if (before.isDirectory) throw notAFile(shown, 'a folder');
    if (!before.isFile) throw notAFile(shown, 'neither a file nor a folder', STREAM_HINT);
    return {
      source: fileSource(handle, shown),
      name: name ?? path.basename(shown),
      path: absolutePath(file),
      entry: {
        path: entryPath(name, file),
        mode: before.mode & 0o7777,
        uid: before.uid,
        gid: before.gid,
        mtimeNs: before.mtimeNs,
      },
      totalBytes: before.bytes,
      async hasChanged(bytesRead) {
        const after = await handle.stat();
        return bytesRead !== after.bytes || after.mtimeNs !== before.mtimeNs || after.bytes !== before.bytes;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** What a stream gives until it ends; its buffers are copied as they come. */
export function streamInput(stream: AsyncIterable<Uint8Array>, name: string | undefined): Input {
  return unnamedInput(iterableSource(stream), name);
}

/** What an open descriptor gives until its end; it stays open. */
export function descriptorInput(descriptor: number, name: string | undefined): Input {
  return unnamedInput(descriptorSource(openFile(descriptor)), name);
}

/** Stdin is nobody's to close, and a read of it may wait for ever. */
function descriptorSource(file: OpenFile): ByteSource {
  return { read: (target) => file.read(target, null).catch(inputError('stdin')) };
}

function iterableSource(stream: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async read(target) {
      while (rest.byteLength === 0) {
        const next = await iterator.next();
        if (next.done === true) return 0;
        rest = next.value;
      }
      const count = Math.min(rest.byteLength, target.byteLength);
      target.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    async close() {
      // Not waited for: a stream that hangs must not hold up the error.
      void Promise.resolve(iterator.return?.()).catch(() => {});
    },
  };
}

function unnamedInput(source: ByteSource, name = 'stdin'): Input {
  const entry: InputEntry = {
    path: entryPath(name, name),
    mode: 0o600,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtimeNs: BigInt(Date.now()) * 1_000_000n,
  };
  return { source, name, entry, totalBytes: undefined };
}

/** What of an entry follows from its name. */
export const namedEntry = (name: string): Pick<InputEntry, 'path'> => ({ path: entryPath(name, name) });

/** The name inside the manifest: the last part of the path, as bytes where it is not UTF-8. */
function entryPath(name: string | undefined, file: string | Buffer): string | Uint8Array {
  const base = (text: string): string => {
    const last = path.basename(text);
    return last === '' || last === '.' || last === '..' ? 'file' : last;
  };
  if (name !== undefined) return base(name);
  if (typeof file === 'string') return base(file);
  const bytes = file.subarray(file.lastIndexOf('/') + 1);
  return bytes.equals(Buffer.from(bytes.toString('utf8')))
    ? base(bytes.toString('utf8'))
    : new Uint8Array(bytes);
}

function absolutePath(file: string | Buffer): string | Uint8Array {
  if (typeof file === 'string') return path.resolve(file);
  const text = file.toString('utf8');
  if (file.equals(Buffer.from(text))) return path.resolve(text);
  return file[0] === SLASH ? new Uint8Array(file) : Buffer.concat([Buffer.from(`${process.cwd()}/`), file]);
}

const SLASH = 0x2f;
