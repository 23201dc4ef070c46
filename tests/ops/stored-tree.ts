// What a stored tree holds, read back through its manifest alone: entries in order, and bytes through extents.
import type { Entry } from '../../src/core/entry.js';
import { decodeEntry } from '../../src/core/entry.js';
import type { FileId } from '../../src/core/ids.js';
import type { ChunkRef } from '../../src/core/list.js';
import { decodeRef, readList } from '../../src/core/list.js';
import type { Manifest } from '../../src/core/manifest.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import { ObjectReader } from '../../src/ops/read/object-reader.js';

export interface StoredTree {
  readonly manifest: Manifest;
  readonly entries: readonly Entry[];
  /** By path; a path that is not UTF-8 by its bytes as Latin-1. */
  readonly byPath: ReadonlyMap<string, Entry>;
  readonly refs: readonly ChunkRef[];
  content(path: string): Promise<Buffer>;
}

export async function storedTree(vault: OpenVault, id: string): Promise<StoredTree> {
  const reader = new ObjectReader(vault, vault.engine(0));
  const manifest = await reader.readManifest(id as FileId);
  const load = (ref: ChunkRef): Promise<Uint8Array> => reader.readListChunk(ref);
  const entries: Entry[] = [];
  for await (const item of readList(manifest.entries, load)) entries.push(decodeEntry(item));
  const refs: ChunkRef[] = [];
  for await (const item of readList(manifest.chunks, load)) refs.push(decodeRef(item));
  const byPath = new Map(entries.map((entry) => [nameOf(entry.path), entry]));
  return { manifest, entries, byPath, refs, content: (path) => contentOf(reader, refs, byPath.get(path)) };
}

const nameOf = (path: string | Uint8Array): string =>
  typeof path === 'string' ? path : Buffer.from(path).toString('latin1');

async function contentOf(
  reader: ObjectReader,
  refs: readonly ChunkRef[],
  entry: Entry | undefined,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const { chunk, offset, length } of entry?.extents ?? []) {
    let at = offset;
    let left = length;
    for (let index = chunk; left > 0; index++) {
      const ref = refs[index];
      if (ref === undefined) throw new Error(`no chunk ${index}`);
      const opened = await reader.readChunk(ref);
      const part = Buffer.from(opened.bytes.subarray(at, at + left));
      opened.release();
      if (part.byteLength === 0) throw new Error(`nothing at ${at} of chunk ${index}`);
      parts.push(part);
      left -= part.byteLength;
      at = 0;
    }
  }
  return Buffer.concat(parts);
}
