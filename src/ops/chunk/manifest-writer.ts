/** The last step of storing: the manifest, durable after all its chunks, then its rows in the catalog. */
import { randomBytes } from 'node:crypto';
import { commitFile } from '../../catalog/commits.js';
import { FILE_KIND_NUMBERS } from '../../catalog/files.js';
import type { FileId, StoreId } from '../../core/ids.js';
import { decodeRef } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import { encodeManifest, MANIFEST_VERSION } from '../../core/manifest.js';
import { SALT_BYTES } from '../../core/object.js';
import { nameTag, pathTag, sealRecord } from '../../core/sealed-record.js';
import { usageError } from '../../errors.js';
import { MAX_NAME_AND_TAGS_BYTES, MAX_NAME_BYTES, MAX_TAGS } from '../../limits.js';
import type { OpenVault } from '../home/vault.js';
import type { ChunkWriter } from './chunk-writer.js';

export type NewManifest = Omit<Manifest, 'v' | 'entryCount'>;

/** Everything that the lists name is durable and in the catalog. @returns the file id and the manifest's length in the store */
export async function storeManifest(
  vault: OpenVault,
  writer: ChunkWriter,
  content: NewManifest,
): Promise<{ id: FileId; storedBytes: number }> {
  const manifest: Manifest = { ...content, v: MANIFEST_VERSION, entryCount: content.entries.count };
  const plaintext = encodeManifest(manifest);
  return writer.sealManifest(plaintext, async (id, object) => {
    await vault.home.store.put('manifest', id, object);
    try {
      commitFile(vault.home.catalog, vault.home.session().id, {
        object: {
          storeId: id,
          kind: 'manifest',
          storedBytes: object.byteLength,
          children: manifestChildren(manifest),
        },
        ...catalogRecord(vault, manifest),
      });
    } catch (error) {
      await removeUnentered(vault, id);
      throw error;
    }
    return { id: id as FileId, storedBytes: object.byteLength };
  });
}

/** A manifest without a row keeps `gc` from freeing anything. Never throws. */
async function removeUnentered({ home }: OpenVault, id: StoreId): Promise<void> {
  try {
    if (home.objects.find(id) === undefined) await home.store.delete('manifest', [id]);
  } catch {
    // Then it stays, and `gc` says so.
  }
}

/** The objects that a manifest names itself, not through a list chunk. */
function manifestChildren({ chunks, entries }: Manifest): readonly StoreId[] {
  const listed = entries.depth > 0 ? [...chunks.items, ...entries.items] : chunks.items;
  return [...new Set(listed.map((item) => decodeRef(item).storeId))];
}

/** What the catalog keeps of a manifest: all but its kind and time only sealed. */
export function catalogRecord(vault: OpenVault, manifest: Manifest) {
  const { name, host, tags, bytes, createdMs, kind, path, entryCount } = manifest;
  return {
    kind: FILE_KIND_NUMBERS[kind],
    nameTag: nameTag(vault.keys.name, name),
    pathTag: path === undefined ? null : pathTag(vault.keys.name, host, path),
    sealed: sealRecord(vault.keys.name, randomBytes(SALT_BYTES), {
      name,
      host,
      tags,
      bytes,
      chunks: manifest.chunks.count,
      entries: entryCount,
      ...(path === undefined ? {} : { path }),
    }),
    createdMs,
  };
}

/** Refuses names and tags that a manifest cannot hold. @throws E_USAGE */
export function checkNameAndTags(name: string | undefined, tags: readonly string[]): void {
  const isTooLong = (text: string): boolean => Buffer.byteLength(text) > MAX_NAME_BYTES;
  if (name !== undefined && (name === '' || isTooLong(name))) {
    throw usageError(`name: expected 1 to ${MAX_NAME_BYTES} bytes, got ${Buffer.byteLength(name)}`);
  }
  if (name?.includes('\0') === true) throw usageError('name: expected no NUL character');
  if (tags.length > MAX_TAGS || tags.some(isTooLong)) {
    throw usageError(`tags: expected at most ${MAX_TAGS} of at most ${MAX_NAME_BYTES} bytes each`);
  }
  const together = [name ?? '', ...tags].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (together > MAX_NAME_AND_TAGS_BYTES) {
    throw usageError(
      `name and tags: expected at most ${MAX_NAME_AND_TAGS_BYTES} bytes together, got ${together}`,
    );
  }
}
