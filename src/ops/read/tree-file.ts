/** One file inside a tree: found by its path, and its bytes in order. */
import { findFile } from '../../catalog/files.js';
import type { Entry } from '../../core/entry.js';
import type { ManifestKind } from '../../core/manifest.js';
import { mapOrdered } from '../../core/pipeline.js';
import { entryPathBytes } from '../../core/tree-order.js';
import { notFound, usageError } from '../../errors.js';
import type { Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';
import { ChunkWindow } from './chunk-window.js';
import type { Piece } from './content-steps.js';
import { piecesOf } from './content-steps.js';
import type { FoundPart } from './inner-path.js';
import { innerBytes } from './inner-path.js';
import type { OpenedChunk } from './object-reader.js';
import type { ReadOptions } from './read-options.js';
import type { TreeSource } from './tree-source.js';
import { openTree } from './tree-source.js';

/** @param inner empty for the root. @returns undefined when the tree has no such path */
async function entryInside(tree: TreeSource, inner: string | Uint8Array): Promise<Entry | undefined> {
  const wanted = typeof inner === 'string' ? innerBytes(inner) : entryPathBytes(inner);
  for await (const { entry, path } of tree.entries()) if (path.equals(wanted)) return entry;
  return undefined;
}

/** As {@link entryInside}. @throws E_NOT_FOUND */
export async function entryOfPart(tree: TreeSource, inner: string): Promise<Entry> {
  const entry = await entryInside(tree, inner);
  if (entry !== undefined) return entry;
  throw notFound(
    `nothing at ${JSON.stringify(inner)} in ${tree.manifest.name}`,
    'run `disktro ls ID` to see what is in it',
  );
}

/** The entry of a file, also of one behind a hard link. @throws E_NOT_FOUND, E_USAGE when it is no file */
export async function fileInside(tree: TreeSource, inner: string): Promise<Entry> {
  const entry = await entryOfPart(tree, inner);
  if (entry.type === 'file') return entry;
  const behind = entry.type === 'hardlink' ? await entryInside(tree, entry.target ?? '') : undefined;
  if (behind?.type === 'file') return { ...behind, path: entry.path };
  throw usageError(
    `${JSON.stringify(inner)} is a ${entry.type}, not a file`,
    'restore it with the tree: `reassemble ID -o FOLDER --include PATTERN`',
  );
}

/** A file's bytes, verified, in order. The tree is closed at the end. @param room chunks held at once: at least five */
export async function* fileChunks(
  tree: TreeSource,
  entry: Entry,
  room: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<OpenedChunk> {
  const window = new ChunkWindow(tree.reader, tree.chunks, room, signal);
  const opening = mapOrdered(room - CONSUMED, async ({ chunk, offset, length }: Piece) => {
    if (chunk === undefined) return undefined;
    const bytes = await window.acquire(chunk);
    return { bytes: bytes.subarray(offset, offset + length), release: () => window.release(chunk) };
  });
  try {
    for await (const chunk of opening(piecesOf(entry, tree.chunks), { signal })) {
      if (chunk !== undefined) yield chunk;
    }
  } finally {
    await window.close();
    tree.close();
  }
}

/** Chunks that a consumer may hold while it asks for more. */
const CONSUMED = 4;

/** Whether what is named comes back as one file or as a folder. @throws E_NOT_FOUND, what opening a tree throws */
export async function partKind(
  vault: Vault,
  { id, inner }: FoundPart,
  options: ReadOptions = {},
): Promise<ManifestKind> {
  const open = opened(vault);
  const row = findFile(open.home.catalog, id);
  if (row === undefined) throw notFound(`no file ${id}`);
  if (inner === '') return row.kind;
  const tree = await openTree(open, id, options);
  try {
    return (await entryInside(tree, inner))?.type === 'directory' ? 'tree' : 'file';
  } finally {
    tree.close();
  }
}
