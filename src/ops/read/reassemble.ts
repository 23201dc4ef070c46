/**
 * Files out of the vault. Reads ahead, opens side by side, writes in order; nothing unverified leaves (I4), and a
 * file appears under its name only when all of it is there and durable.
 */

import path from 'node:path';
import type { Entry } from '../../core/entry.js';
import { decodeEntry } from '../../core/entry.js';
import type { FileId } from '../../core/ids.js';
import { decodeRef, readList } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import { mapOrdered } from '../../core/pipeline.js';
import type { DisktroError } from '../../errors.js';
import { integrityError, throwIfAborted, usageError } from '../../errors.js';
import { openFile } from '../../store/file-system.js';
import { threadCount } from '../chunk/threads.js';
import type { OpenVault, Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import { resolvePart } from './inner-path.js';
import type { OpenedChunk } from './object-reader.js';
import { ObjectReader } from './object-reader.js';
import type { Output } from './output-file.js';
import { descriptorOutput, fileOutput, outputPath } from './output-file.js';
import type { ReadOptions } from './read-options.js';
import { fileChunks, fileInside } from './tree-file.js';
import { chunksHeld, openTree } from './tree-source.js';

export interface ReassembleOptions extends ReadOptions {
  /** Where to write; default: the original name in `folder`. */
  readonly path?: string | undefined;
  /** Default: the working folder. */
  readonly folder?: string | undefined;
  /** Replace a file that is there. */
  readonly force?: boolean | undefined;
}

export interface ReassembleResult {
  readonly id: FileId;
  readonly name: string;
  /** null when it went to a descriptor. */
  readonly path: string | null;
  readonly bytes: number;
  readonly chunks: number;
  /** Objects that this home did not have whole. */
  readonly fetchedFromPeers: number;
  readonly seconds: number;
}

/**
 * Writes a file back, with its mode and modification time.
 * @param id what resolvePart takes: a file, or a file inside a tree
 * @throws E_NOT_FOUND, E_AMBIGUOUS, E_OUTPUT_EXISTS, E_OUTPUT, E_OBJECT_MISSING, integrity codes, E_NO_SPACE, E_ABORTED;
 *   after any of them nothing is left under the name
 */
export async function reassembleFile(
  vault: Vault,
  id: string,
  options: ReassembleOptions = {},
): Promise<ReassembleResult> {
  return reassembleInto(vault, id, options, async (entry) => {
    const target = outputPath(options.path, options.folder ?? process.cwd(), entry.path);
    return fileOutput(target, entry, options.force ?? false);
  });
}

/** Writes a file's bytes to an open descriptor: 1 is stdout. Does not close it. */
export async function reassembleToDescriptor(
  vault: Vault,
  id: string,
  descriptor: number,
  options: ReadOptions = {},
): Promise<ReassembleResult> {
  return reassembleInto(vault, id, options, async () =>
    descriptorOutput(openFile(descriptor), descriptor === 1 ? 'stdout' : `descriptor ${descriptor}`),
  );
}

/** A file's bytes, chunk by chunk, verified; each buffer is the reader's to keep. */
export async function* reassembleStream(
  vault: Vault,
  id: string,
  options: ReadOptions = {},
): AsyncGenerator<Uint8Array> {
  const source = await openSource(opened(vault), id, options);
  const total = { bytes: 0, chunks: 0 };
  for await (const chunk of source.chunks) {
    const bytes = Buffer.from(chunk.bytes);
    chunk.release();
    total.bytes += bytes.byteLength;
    total.chunks++;
    options.onProgress?.({ ...total, totalBytes: source.entry.sizeBytes });
    yield bytes;
  }
}

interface Source {
  readonly id: FileId;
  readonly name: string;
  readonly entry: Entry;
  readonly chunks: AsyncIterable<OpenedChunk>;
  readonly reader: ObjectReader;
}

async function reassembleInto(
  vault: Vault,
  id: string,
  options: ReadOptions,
  openOutput: (entry: Entry) => Promise<Output>,
): Promise<ReassembleResult> {
  const startedMs = performance.now();
  const source = await openSource(opened(vault), id, options);
  const output = await openOutput(source.entry);
  const total = { bytes: 0, chunks: 0 };
  const writing = mapOrdered(output.concurrency, async (chunk: OpenedChunk) => {
    try {
      await output.write(chunk.bytes);
    } finally {
      chunk.release();
    }
    return chunk.bytes.byteLength;
  });
  try {
    for await (const bytes of writing(source.chunks, options)) {
      total.bytes += bytes;
      total.chunks++;
      options.onProgress?.({ ...total, totalBytes: source.entry.sizeBytes });
    }
    throwIfAborted(options.signal);
    await output.finish();
  } catch (error) {
    await output.discard();
    throw error;
  } finally {
    source.reader.noteLost();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    id: source.id,
    name: source.name,
    path: output.path,
    ...total,
    fetchedFromPeers: source.reader.fetched,
    seconds,
  };
}

async function openSource(vault: OpenVault, idText: string, options: ReadOptions): Promise<Source> {
  const { signal } = options;
  throwIfAborted(signal);
  const { id, inner } = resolvePart(vault, idText);
  if (inner !== '') return openInner(vault, id, inner, options);
  const reader = new ObjectReader(vault, vault.engine(threadCount(options.workers)), options.source, signal);
  const manifest = await reader.readManifest(id);
  const entry = await onlyEntry(reader, manifest);
  const opening = mapOrdered(reader.concurrency, async (item: Parameters<typeof decodeRef>[0]) =>
    reader.readChunk(decodeRef(item)),
  );
  const items = readList(manifest.chunks, (ref) => reader.readListChunk(ref));
  const chunks = checkedLength(opening(items, { signal }), manifest.bytes);
  return { id, name: manifest.name, entry, reader, chunks };
}

/** A file inside a tree. */
async function openInner(vault: OpenVault, id: FileId, inner: string, options: ReadOptions): Promise<Source> {
  const tree = await openTree(vault, id, options);
  try {
    const found = await fileInside(tree, inner);
    const name = path.posix.basename(inner);
    const entry = { ...found, path: name };
    const chunks = fileChunks(tree, entry, chunksHeld(vault), options.signal);
    return { id, name, entry, reader: tree.reader, chunks };
  } catch (error) {
    tree.close();
    throw error;
  }
}

/** A file's chunks are the file: one entry, whose only extent covers them all. */
export async function onlyEntry(reader: ObjectReader, manifest: Manifest): Promise<Entry> {
  if (manifest.kind === 'tree') {
    throw usageError(
      `${JSON.stringify(manifest.name)} is a folder tree, not a file`,
      'name a file in it as ID:path/inside, or a folder to write the tree to with -o',
    );
  }
  for await (const item of readList(manifest.entries, (ref) => reader.readListChunk(ref))) {
    const entry = decodeEntry(item);
    const [extent, ...others] = entry.extents;
    const isWhole =
      others.length === 0 && (extent === undefined || (extent.chunk === 0 && extent.offset === 0));
    if (entry.type === 'file' && isWhole && entry.sizeBytes === manifest.bytes) return entry;
    throw integrityError('E_MANIFEST_INVALID', 'manifest: expected one file entry that covers all chunks');
  }
  throw integrityError('E_MANIFEST_INVALID', 'manifest: expected one entry, got none');
}

async function* checkedLength(
  chunks: AsyncIterable<OpenedChunk>,
  expected: number,
): AsyncGenerator<OpenedChunk> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.bytes.byteLength;
    if (bytes > expected) throw wrongLength(expected, bytes);
    yield chunk;
  }
  if (bytes !== expected) throw wrongLength(expected, bytes);
}

/** The chunks of a file are not as long together as its manifest says. */
export function wrongLength(expected: number, got: number): DisktroError {
  return integrityError(
    'E_MANIFEST_INVALID',
    `manifest: expected chunks of ${expected} bytes together, got ${got}`,
  );
}
