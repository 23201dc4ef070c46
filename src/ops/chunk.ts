/** Files and streams into the vault: one pass over the input, bounded memory, acknowledged only when durable. */
import os from 'node:os';
import type { ObjectRow } from '../catalog/objects.js';
import type { Compression } from '../core/codec.js';
import type { Entry } from '../core/entry.js';
import { encodeEntry } from '../core/entry.js';
import type { FileId } from '../core/ids.js';
import type { Piece } from '../core/input-window.js';
import { cutPieces } from '../core/input-window.js';
import { encodeRef, ListWriter } from '../core/list.js';
import type { ManifestKind } from '../core/manifest.js';
import { mapOrdered } from '../core/pipeline.js';
import { throwIfAborted } from '../errors.js';
import { MAX_BATCH_OBJECTS } from '../limits.js';
import type { PendingChunk } from './chunk-writer.js';
import { ChunkWriter } from './chunk-writer.js';
import type { Input } from './inputs.js';
import { descriptorInput, openInput, streamInput } from './inputs.js';
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
  /** Makes the copies on other nodes; without it there is one, here. */
  readonly copier?: Copier | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ChunkProgress) => void) | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

export interface Copier {
  /** A head start while the file is still being read. */
  ahead?(copies: number, signal: AbortSignal | undefined): CopiesAhead;
  /** @returns the fewest copies that any of these objects has now, this node's included */
  copy(objects: readonly ObjectRow[], copies: number, signal: AbortSignal | undefined): Promise<number>;
}

export interface CopiesAhead {
  /** Begins to copy an object that has just become durable here. Returns at once, never throws. */
  offer(object: ObjectRow): void;
  /** Resolves when nothing is under way any more. */
  drained(): Promise<void>;
  /** Breaks off what is under way. */
  stop(): Promise<void>;
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
  const input = await openInput(file, options.name);
  try {
    return await chunkSource(opened(vault), input, options);
  } finally {
    await input.close();
  }
}

/** Stores what comes from a stream, until it ends. The stream's buffers are copied as they come. */
export async function chunkStream(
  vault: Vault,
  stream: AsyncIterable<Uint8Array>,
  options: ChunkOptions = {},
): Promise<ChunkResult> {
  return chunkSource(opened(vault), streamInput(stream, options.name), options);
}

/** Stores what an open descriptor gives until its end: 0 is stdin. Does not close it. */
export async function chunkDescriptor(
  vault: Vault,
  descriptor: number,
  options: ChunkOptions = {},
): Promise<ChunkResult> {
  return chunkSource(opened(vault), descriptorInput(descriptor, options.name), options);
}

async function chunkSource(vault: OpenVault, input: Input, options: ChunkOptions): Promise<ChunkResult> {
  const startedMs = performance.now();
  throwIfAborted(options.signal);
  checkNameAndTags(options.name, options.tags ?? []);
  vault.home.session();
  const wanted = options.replicas ?? DEFAULT_REPLICAS;
  const ahead = options.copier?.ahead?.(wanted, options.signal);
  const writer = new ChunkWriter(
    vault,
    vault.engine(threadCount(options.workers)),
    options.compression ?? 'auto',
    (object) => ahead?.offer(object),
  );
  try {
    const list = new ListWriter(vault.keys.chunker, (bytes, children) => writer.writeList(bytes, children));
    const { bytes, chunks } = await storeChunks(vault, writer, list, input, options);
    const isChanged = (await input.hasChanged?.(bytes)) ?? false;
    if (isChanged) options.onNotice?.(`${input.name}: changed while it was read; stored as read`);
    const entry: Entry = { ...input.entry, type: 'file', sizeBytes: bytes, extents: wholeOf(bytes) };
    const { id, storedBytes } = await storeManifest(vault, writer, {
      kind: 'file',
      name: input.name,
      tags: options.tags ?? [],
      host: os.hostname(),
      ...(input.path === undefined ? {} : { path: input.path }),
      bytes,
      chunks: await list.finish(),
      entries: { depth: 0, count: 1, items: [encodeEntry(entry)] },
      createdMs: Date.now(),
    });
    await ahead?.drained();
    const confirmed = await options.copier?.copy(vault.home.objects.descendants(id), wanted, options.signal);
    const copies = { wanted, confirmed: confirmed ?? 1 };
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
    await ahead?.stop();
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
