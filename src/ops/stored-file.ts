/**
 * A stored file as bytes to be read from anywhere: its facts first, then a range of it. Only the chunks that the range
 * touches are opened, and nothing unverified leaves (I4).
 */
import type { FileId } from '../core/ids.js';
import type { ChunkRef } from '../core/list.js';
import { decodeRef, readList } from '../core/list.js';
import type { Manifest } from '../core/manifest.js';
import { mapOrdered } from '../core/pipeline.js';
import { integrityError, throwIfAborted } from '../errors.js';
import { ObjectReader } from './object-reader.js';
import type { ReadOptions } from './read-options.js';
import { onlyEntry } from './reassemble.js';
import { resolveFileId } from './resolve.js';
import { threadCount } from './threads.js';
import type { Vault } from './vault.js';
import { opened } from './vault.js';

export interface StoredFile {
  readonly id: FileId;
  readonly name: string;
  readonly bytes: number;
  /**
   * Bytes `start` to `end`, the last one not included. Each buffer is the reader's to keep; ending the iteration ends
   * the reading.
   * @throws E_OBJECT_MISSING, E_PEER_UNREACHABLE, integrity codes, E_ABORTED
   */
  read(start: number, end: number): AsyncGenerator<Buffer>;
}

/** @throws E_NOT_FOUND, E_AMBIGUOUS, E_OBJECT_MISSING, integrity codes; what {@link onlyEntry} throws for a folder */
export async function openStoredFile(
  vault: Vault,
  idText: string,
  options: ReadOptions = {},
): Promise<StoredFile> {
  const open = opened(vault);
  const id = resolveFileId(open, idText);
  const { source, signal, workers } = options;
  const reader = new ObjectReader(open, open.engine(threadCount(workers)), source, signal);
  const manifest = await reader.readManifest(id);
  await onlyEntry(reader, manifest);
  return {
    id,
    name: manifest.name,
    bytes: manifest.bytes,
    read: (start, end) => readRange(reader, manifest, { start, end }, options),
  };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

interface Part {
  readonly ref: ChunkRef;
  /** Where in the chunk's plaintext the range begins and ends. */
  readonly from: number;
  readonly to: number;
}

async function* readRange(
  reader: ObjectReader,
  manifest: Manifest,
  range: Range,
  { signal, onProgress }: ReadOptions,
): AsyncGenerator<Buffer> {
  const opening = mapOrdered(reader.concurrency, async ({ ref, from, to }: Part) => {
    const chunk = await reader.readChunk(ref);
    try {
      return Buffer.from(chunk.bytes.subarray(from, to));
    } finally {
      chunk.release();
    }
  });
  const total = { bytes: 0, chunks: 0 };
  const totalBytes = range.end - range.start;
  try {
    for await (const bytes of opening(partsOf(reader, manifest, range), { signal })) {
      throwIfAborted(signal);
      total.bytes += bytes.byteLength;
      total.chunks++;
      onProgress?.({ ...total, totalBytes });
      yield bytes;
    }
    if (total.bytes !== totalBytes) throw wrongLength(totalBytes, total.bytes);
  } finally {
    reader.noteLost();
  }
}

/** The chunks that a range touches, in order. */
async function* partsOf(
  reader: ObjectReader,
  manifest: Manifest,
  { start, end }: Range,
): AsyncGenerator<Part> {
  let offset = 0;
  if (start >= end) return;
  for await (const item of readList(manifest.chunks, (ref) => reader.readListChunk(ref))) {
    const ref = decodeRef(item);
    const next = offset + ref.rawBytes;
    if (next > start)
      yield { ref, from: Math.max(0, start - offset), to: Math.min(end - offset, ref.rawBytes) };
    offset = next;
    if (offset >= end) return;
  }
}

const wrongLength = (expected: number, got: number): Error =>
  integrityError('E_MANIFEST_INVALID', `manifest: expected chunks of ${expected} bytes together, got ${got}`);
