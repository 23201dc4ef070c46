/**
 * What is stored as bytes to be read from anywhere: its facts first, then a range of it. A file, a file inside a tree, or
 * a folder as a tar archive. Only the chunks that a range touches are opened, and nothing unverified leaves (I4).
 */
import path from 'node:path';
import type { FileId } from '../../core/ids.js';
import type { ChunkRef } from '../../core/list.js';
import { decodeRef, readList } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import { mapOrdered } from '../../core/pipeline.js';
import { throwIfAborted } from '../../errors.js';
import { threadCount } from '../chunk/threads.js';
import type { OpenVault, Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import type { Piece } from './content-steps.js';
import { piecesOf } from './content-steps.js';
import type { FoundPart } from './inner-path.js';
import { ObjectReader } from './object-reader.js';
import type { ReadOptions } from './read-options.js';
import { onlyEntry, wrongLength } from './reassemble.js';
import { archiveBytes, readArchive } from './tree-archive.js';
import { entryOfPart, fileInside } from './tree-file.js';
import type { TreeSource } from './tree-source.js';
import { chunksHeld, openTree } from './tree-source.js';

interface StoredPart {
  readonly id: FileId;
  /** Where inside the tree it lies; empty for the whole. */
  readonly inner: string;
  readonly name: string;
  readonly bytes: number;
  /** To be called when nothing more of it is read. */
  close(): void;
}

export interface StoredFile extends StoredPart {
  readonly kind: 'file';
  /**
   * Bytes `start` to `end`, the last one not included. Each buffer is the reader's to keep; ending the iteration ends
   * the reading.
   * @throws E_OBJECT_MISSING, E_PEER_UNREACHABLE, integrity codes, E_ABORTED
   */
  read(start: number, end: number): AsyncGenerator<Buffer>;
}

/** `name` is the folder's own; `bytes` are those of the archive. */
export interface StoredFolder extends StoredPart {
  readonly kind: 'tree';
  /** All of the archive, as {@link StoredFile.read} gives a file. */
  read(): AsyncGenerator<Buffer>;
}

/**
 * The caller closes it.
 * @throws E_NOT_FOUND, E_USAGE for a part that is neither file nor folder, E_OBJECT_MISSING, integrity codes
 */
export async function openStoredPart(
  vault: Vault,
  { id, inner }: FoundPart,
  options: ReadOptions = {},
): Promise<StoredFile | StoredFolder> {
  const open = opened(vault);
  const { source, signal, workers } = options;
  const reader = new ObjectReader(open, open.engine(threadCount(workers)), source, signal);
  const manifest = await reader.readManifest(id);
  if (manifest.kind === 'tree' || inner !== '') return await openInside(open, { id, inner }, options);
  await onlyEntry(reader, manifest);
  return {
    kind: 'file',
    id,
    inner,
    name: manifest.name,
    bytes: manifest.bytes,
    read: (start, end) => readRange(reader, partsOf(reader, manifest, { start, end }), end - start, options),
    close: () => {},
  };
}

async function openInside(
  vault: OpenVault,
  { id, inner }: FoundPart,
  options: ReadOptions,
): Promise<StoredFile | StoredFolder> {
  const tree = await openTree(vault, id, options);
  try {
    const found = await entryOfPart(tree, inner);
    const name = lastName(inner === '' ? tree.manifest.name : inner);
    const part = { id, inner, name, close: () => tree.close() };
    if (found.type === 'directory') {
      const bytes = await archiveBytes(tree, part, options.signal);
      const read = (): AsyncGenerator<Buffer> => readArchive(tree, part, chunksHeld(vault), options);
      return { ...part, kind: 'tree', bytes, read };
    }
    const entry = await fileInside(tree, inner);
    return {
      ...part,
      kind: 'file',
      bytes: entry.sizeBytes,
      read: (start, end) =>
        readRange(
          tree.reader,
          partsInside(tree, piecesOf(entry, tree.chunks), { start, end }),
          end - start,
          options,
        ),
    };
  } catch (error) {
    tree.close();
    throw error;
  }
}

/** A name that leads nowhere, whatever the tree was stored as. */
function lastName(text: string): string {
  const name = path.posix.basename(text.replaceAll('\0', '_'));
  return name === '' || name === '.' || name === '..' ? 'folder' : name;
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
  parts: AsyncIterable<Part>,
  totalBytes: number,
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
  try {
    for await (const bytes of opening(parts, { signal })) {
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

/** The chunks of a file that a range touches, in order. */
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

/** The same of a file inside a tree. */
async function* partsInside(
  { chunks }: TreeSource,
  pieces: Iterable<Piece>,
  { start, end }: Range,
): AsyncGenerator<Part> {
  for (const { chunk, offset, length, position } of pieces) {
    const from = Math.max(start, position);
    const to = Math.min(end, position + length);
    if (chunk === undefined || from >= to) continue;
    const ahead = offset - position;
    yield { ref: chunks.ref(chunk), from: from + ahead, to: to + ahead };
  }
}
