/**
 * Whether the catalog knows all that manifests and lists name: what it does not know, gc would take for garbage.
 * Opens every list chunk once, however many manifests share it.
 */

import { decodeEntry } from '../../core/entry.js';
import type { PlainId, StoreId } from '../../core/ids.js';
import type { EncodedList, ListChunkVisit } from '../../core/list.js';
import { decodeRef, readList } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import { integrityError } from '../../errors.js';
import type { OpenVault } from '../home/vault.js';
import type { ObjectReader } from '../read/object-reader.js';

export type ReferenceCheck = (id: StoreId, manifest: Manifest) => Promise<void>;

/** The check throws E_CATALOG_CORRUPT for a reference that the catalog lacks, and what reading the lists throws. */
export function referenceCheck(vault: OpenVault, reader: ObjectReader): ReferenceCheck {
  const { objects } = vault.home;
  const seen = new Set<StoreId>();
  const expectLinked = (parent: StoreId, child: PlainId): void => {
    if (objects.isLinked(parent, child)) return;
    throw integrityError('E_CATALOG_CORRUPT', `the catalog does not know all that object ${parent} needs`, {
      hint: 'run `disktro rebuild` to make it again from the store; no file is lost',
    });
  };
  const checkList = async (
    id: StoreId,
    list: EncodedList,
    leaves: 'references' | 'entries',
  ): Promise<void> => {
    const areRefs = (depth: number): boolean => depth > 0 || leaves === 'references';
    if (areRefs(list.depth)) for (const item of list.items) expectLinked(id, decodeRef(item).plainId);
    const visit = ({ ref, depth, items }: ListChunkVisit): void => {
      if (seen.has(ref.storeId) || !areRefs(depth - 1)) return;
      seen.add(ref.storeId);
      for (const item of items) expectLinked(ref.storeId, decodeRef(item).plainId);
    };
    for await (const item of readList(list, (ref) => reader.readListChunk(ref), visit)) {
      if (leaves === 'entries') decodeEntry(item);
    }
  };
  return async (id, manifest) => {
    await checkList(id, manifest.chunks, 'references');
    await checkList(id, manifest.entries, 'entries');
  };
}
