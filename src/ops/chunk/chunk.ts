/** Files and streams into the vault: one pass over the input, bounded memory, acknowledged only when durable. */
import os from 'node:os';
import type { ObjectRow } from '../../catalog/objects.js';
import type { Compression } from '../../core/codec.js';
import type { Entry } from '../../core/entry.js';
import { encodeEntry } from '../../core/entry.js';
import type { FileId } from '../../core/ids.js';
import type { Piece } from '../../core/input-window.js';
import { cutPieces } from '../../core/input-window.js';
import type { ListWriter } from '../../core/list.js';
import { encodeRef } from '../../core/list.js';
import type { ManifestKind } from '../../core/manifest.js';
import { mapOrdered } from '../../core/pipeline.js';
import { MAX_BATCH_OBJECTS, MAX_UNCOMMITTED } from '../../limits.js';
import type { OpenVault, Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import type { ChunkWriter, PendingChunk } from './chunk-writer.js';
import type { Input, InputEntry } from './inputs.js';
import { descriptorInput, namedEntry, openInput, streamInput } from './inputs.js';
import { checkNameAndTags } from './manifest-writer.js';
import { DEFAULT_REPLICAS, storeResult } from './store-result.js';
import { withWriter } from './storing.js';

export interface ChunkProgress {
  /** Plaintext bytes taken in so far. */
  readonly bytes: number;
  /** undefined when the input's length is not known. */
  readonly totalBytes: number | undefined;
  readonly chunks: number;
  readonly newChunks: number;
  readonly storedBytes: number;
  /** Plaintext bytes that were here already. */
  readonly dedupedBytes: number;
  /** Of a tree: files so far. */
  readonly files?: number;
  readonly unchanged?: number;
}

/** What a file is called and how it is kept. */
export interface Description {
  readonly name?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly replicas?: number | undefined;
}

export interface ChunkOptions {
  /** What to call it; default: the file's own name, or `stdin`. At most 4,096 bytes. */
  readonly name?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** When it is to have been stored, in milliseconds since 1970-01-01 UTC; default: now. */
  readonly createdMs?: number | undefined;
  readonly compression?: Compression | undefined;
  readonly chunker?: 'cdc' | 'fixed' | undefined;
  /** Worker threads; 0 = none. */
  readonly workers?: number | 'auto' | undefined;
  /** Copies wanted on distinct nodes, this one included; default 3. */
  readonly replicas?: number | undefined;
  /** Makes the copies on other nodes; without it there is one, here. */
  readonly copier?: Copier | undefined;
  /** Asked when a stream has ended, for senders that tell these last; what it gives goes before the options. */
  readonly describe?: (() => Description) | undefined;
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
  /** Of a tree: files in it, not counting other names of the same file. */
  readonly files?: number;
  /** Of a tree: files that were not read, because they are those of the last time. */
  readonly unchanged?: number;
  /** Of a tree: what is not stored, because it could not be read. */
  readonly failed?: readonly FailedPath[];
  readonly seconds: number;
}

export interface FailedPath {
  readonly path: string;
  readonly reason: string;
}

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
  return withWriter(vault, options, async ({ writer, ahead }) => {
    const list = writer.listWriter();
    const bytes = await storeChunks(vault, writer, list, input, options);
    const isChanged = (await input.hasChanged?.(bytes)) ?? false;
    if (isChanged) options.onNotice?.(`${input.name}: changed while it was read; stored as read`);
    const told = described(options, input);
    const entry: Entry = { ...told.entry, type: 'file', sizeBytes: bytes, extents: wholeOf(bytes) };
    const result = await storeResult(
      vault,
      writer,
      { ...options, replicas: told.replicas },
      {
        kind: 'file',
        name: told.name,
        tags: told.tags,
        host: os.hostname(),
        ...(input.path === undefined ? {} : { path: input.path }),
        bytes,
        chunks: await list.finish(),
        entries: { depth: 0, count: 1, items: [encodeEntry(entry)] },
        createdMs: options.createdMs ?? Date.now(),
      },
      ahead,
    );
    const seconds = (performance.now() - startedMs) / 1000;
    return { ...result, ...(isChanged ? { changed: true as const } : {}), seconds };
  });
}

/** @throws E_USAGE for a name or tags told late that a manifest cannot hold */
function described(
  { describe, tags = [], replicas = DEFAULT_REPLICAS }: ChunkOptions,
  input: Input,
): { name: string; tags: readonly string[]; replicas: number; entry: InputEntry } {
  const late = describe?.() ?? {};
  checkNameAndTags(late.name, late.tags ?? []);
  const { name, entry } =
    late.name === undefined
      ? input
      : { name: late.name, entry: { ...input.entry, ...namedEntry(late.name) } };
  return { name, entry, tags: late.tags ?? tags, replicas: late.replicas ?? replicas };
}

/** The pipeline: cut, then hash, deduplicate, seal and write side by side, then list in order what is durable. */
async function storeChunks(
  vault: OpenVault,
  writer: ChunkWriter,
  list: ListWriter,
  input: Input,
  options: ChunkOptions,
): Promise<number> {
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
  return total.bytes;
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
