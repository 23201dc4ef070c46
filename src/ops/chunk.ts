/** Files and streams into the vault: one pass over the input, bounded memory, acknowledged only when durable. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Compression } from '../core/codec.js';
import type { FileId } from '../core/ids.js';
import type { ByteSource, Piece } from '../core/input-window.js';
import { cutPieces } from '../core/input-window.js';
import { encodeRef, ListWriter } from '../core/list.js';
import type { Entry, ManifestKind } from '../core/manifest.js';
import { mapOrdered } from '../core/pipeline.js';
import { abortedError, DisktroError, throwIfAborted } from '../errors.js';
import { MAX_BATCH_OBJECTS } from '../limits.js';
import type { OpenFile } from '../store/file-system.js';
import { openFile } from '../store/file-system.js';
import type { PendingChunk } from './chunk-writer.js';
import { ChunkWriter } from './chunk-writer.js';
import { checkNameAndTags, storeManifest } from './manifest-writer.js';
import { threadCount } from './threads.js';
import type { OpenVault, Vault } from './vault.js';
import { opened } from './vault.js';

export interface ChunkProgress {
  /** Plaintext bytes taken in so far. */
  readonly bytes: number;
  /** undefined when the input's length is not known. */
  readonly totalBytes: number | undefined;
  readonly chunks: number;
  readonly newChunks: number;
  readonly storedBytes: number;
}

export interface ChunkOptions {
  /** What to call it; default: the file's own name, or `stdin`. At most 4,096 bytes. */
  readonly name?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly compression?: Compression | undefined;
  readonly chunker?: 'cdc' | 'fixed' | undefined;
  /** Worker threads; 0 = none. */
  readonly workers?: number | 'auto' | undefined;
  /** Copies wanted on distinct nodes, this one included; default 3. */
  readonly replicas?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ChunkProgress) => void) | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface ChunkResult {
  readonly id: FileId;
  readonly name: string;
  readonly kind: ManifestKind;
  readonly bytes: number;
  readonly chunks: number;
  readonly newChunks: number;
  /** Bytes of new objects, the manifest's included. */
  readonly storedBytes: number;
  /** Plaintext bytes that were here already. */
  readonly dedupedBytes: number;
  readonly copies: { readonly wanted: number; readonly confirmed: number };
  /** Fewer copies than wanted. */
  readonly degraded: boolean;
  /** The file changed while it was read; what was read is stored. */
  readonly changed?: true;
  readonly seconds: number;
}

const DEFAULT_REPLICAS = 3;
/** Chunks that wait for their batch to be committed: two full batches and a little more. */
const MAX_UNCOMMITTED = 2 * MAX_BATCH_OBJECTS + 64;

const openForReading = promisify(fs.open);

/**
 * Stores one file. `file` may be bytes, for names that are not UTF-8.
 * @throws E_INPUT when it cannot be read or is no file; what storing throws: E_NO_SPACE, E_IO, E_READ_ONLY, E_LOCKED,
 *   E_WORKER; E_ABORTED after which nothing of it is listed
 */
export async function chunkFile(
  vault: Vault,
  file: string | Buffer,
  options: ChunkOptions = {},
): Promise<ChunkResult> {
  const shown = file.toString();
  // O_NONBLOCK: opening a fifo that nobody writes to must not hang before it can be refused.
  const flags = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
  const handle = openFile(await openForReading(file, flags).catch(inputError(shown)));
  try {
    const before = await handle.stat();
    if (before.isDirectory) throw notAFile(shown, 'a folder');
    if (!before.isFile) throw notAFile(shown, 'neither a file nor a folder');
    const name = options.name ?? path.basename(shown);
    const entry: InputEntry = {
      path: entryPath(options.name, file),
      mode: before.mode & 0o7777,
      uid: before.uid,
      gid: before.gid,
      mtimeNs: before.mtimeNs,
    };
    const hasChanged = async (bytes: number): Promise<boolean> => {
      const after = await handle.stat();
      return bytes !== after.bytes || after.mtimeNs !== before.mtimeNs || after.bytes !== before.bytes;
    };
    const source = fileSource(handle, shown);
    return await chunkSource(
      opened(vault),
      { source, name, entry, totalBytes: before.bytes, hasChanged },
      options,
    );
  } finally {
    await handle.close();
  }
}

/** Stores what comes from a stream, until it ends. The stream's buffers are copied as they come. */
export async function chunkStream(
  vault: Vault,
  stream: AsyncIterable<Uint8Array>,
  options: ChunkOptions = {},
): Promise<ChunkResult> {
  return chunkSource(opened(vault), streamInput(iterableSource(stream), options), options);
}

/** Stores what an open descriptor gives until its end: 0 is stdin. Does not close it. */
export async function chunkDescriptor(
  vault: Vault,
  descriptor: number,
  options: ChunkOptions = {},
): Promise<ChunkResult> {
  const source = descriptorSource(openFile(descriptor));
  return chunkSource(opened(vault), streamInput(source, options), options);
}

type InputEntry = Pick<Entry, 'path' | 'mode' | 'uid' | 'gid' | 'mtimeNs'>;

interface Input {
  readonly source: ByteSource;
  readonly name: string;
  readonly entry: InputEntry;
  readonly totalBytes: number | undefined;
  readonly hasChanged?: (bytesRead: number) => Promise<boolean>;
}

async function chunkSource(vault: OpenVault, input: Input, options: ChunkOptions): Promise<ChunkResult> {
  const startedMs = performance.now();
  throwIfAborted(options.signal);
  checkNameAndTags(options.name, options.tags ?? []);
  vault.home.session();
  const writer = new ChunkWriter(
    vault,
    vault.engine(threadCount(options.workers)),
    options.compression ?? 'auto',
  );
  try {
    const list = new ListWriter(vault.keys.chunker, (bytes, children) => writer.writeList(bytes, children));
    const { bytes, chunks } = await storeChunks(vault, writer, list, input, options);
    const isChanged = (await input.hasChanged?.(bytes)) ?? false;
    if (isChanged) options.onNotice?.(`${input.name}: changed while it was read; stored as read`);
    const { id, storedBytes } = await storeManifest(vault, writer, {
      name: input.name,
      tags: options.tags ?? [],
      host: os.hostname(),
      bytes,
      chunks: await list.finish(),
      entry: { ...input.entry, type: 'file', sizeBytes: bytes, extents: wholeOf(bytes) },
      createdMs: Date.now(),
    });
    const copies = { wanted: options.replicas ?? DEFAULT_REPLICAS, confirmed: 1 };
    return {
      id,
      name: input.name,
      kind: 'file',
      bytes,
      chunks,
      newChunks: writer.stats.newChunks,
      storedBytes: writer.stats.storedBytes + storedBytes,
      dedupedBytes: writer.stats.dedupedBytes,
      copies,
      degraded: copies.confirmed < copies.wanted,
      ...(isChanged ? { changed: true as const } : {}),
      seconds: (performance.now() - startedMs) / 1000,
    };
  } finally {
    await writer.close();
  }
}

/** The pipeline: cut, then hash, deduplicate, seal and write side by side, then list in order what is durable. */
async function storeChunks(
  vault: OpenVault,
  writer: ChunkWriter,
  list: ListWriter,
  input: Input,
  options: ChunkOptions,
): Promise<{ bytes: number; chunks: number }> {
  const { signal, onProgress } = options;
  const workspace = vault.borrowWorkspace();
  const total = { bytes: 0, chunks: 0 };
  const pieces = cutPieces(
    input.source,
    workspace.cutters[options.chunker ?? 'cdc'],
    workspace.memory,
    signal,
  );
  const written = mapOrdered(writer.engine.concurrency, (piece: Piece) => writer.write(piece))(pieces, {
    signal,
  });
  const reported = tapped(written, (chunk) => {
    total.bytes += chunk.rawBytes;
    total.chunks++;
    // A chunk must not wait longer for its batch than the stage behind has room, even when all that follow are known.
    if (total.chunks % MAX_BATCH_OBJECTS === 0) writer.flush();
    onProgress?.({ ...total, totalBytes: input.totalBytes, ...writer.stats });
  });
  const durable = mapOrdered(MAX_UNCOMMITTED, (chunk: PendingChunk) => chunk.ref);
  for await (const ref of durable(flushingAtEnd(reported, writer), { signal })) {
    await list.push(encodeRef(ref), ref.storeId);
  }
  // Given back only after success: after a failure a read may still be writing into it.
  vault.giveWorkspace(workspace);
  return total;
}

async function* tapped<T>(source: AsyncIterable<T>, see: (item: T) => void): AsyncGenerator<T> {
  for await (const item of source) {
    see(item);
    yield item;
  }
}

/** Without this the last chunks would wait for a batch that nothing fills any more. */
async function* flushingAtEnd<T>(source: AsyncIterable<T>, writer: ChunkWriter): AsyncGenerator<T> {
  try {
    yield* source;
  } finally {
    writer.flush();
  }
}

function wholeOf(bytes: number): Entry['extents'] {
  return bytes === 0 ? [] : [{ chunk: 0, offset: 0, length: bytes }];
}

/** Closing waits for the read under way: its descriptor's number must not become another file's before. */
function fileSource(file: OpenFile, shown: string): ByteSource {
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

function streamInput(source: ByteSource, { name = 'stdin' }: ChunkOptions): Input {
  const entry: InputEntry = {
    path: entryPath(name, name),
    mode: 0o600,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtimeNs: BigInt(Date.now()) * 1_000_000n,
  };
  return { source, name, entry, totalBytes: undefined };
}

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

function inputError(shown: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ABORT_ERR') throw abortedError(error);
    if (code === 'EISDIR') throw notAFile(shown, 'a folder');
    throw new DisktroError(
      'E_INPUT',
      `cannot read ${JSON.stringify(shown)}: ${REASONS[code ?? ''] ?? code}`,
      {
        details: { path: shown, errno: code },
        cause: error,
      },
    );
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EIO: 'input/output error',
  ENOTDIR: 'no such file (a part of the path is no folder)',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
};

function notAFile(shown: string, what: string): DisktroError {
  return new DisktroError('E_INPUT', `cannot store ${JSON.stringify(shown)}: expected a file, got ${what}`, {
    details: { path: shown },
  });
}
