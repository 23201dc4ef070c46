/**
 * Enters manifests that lie in the store in a catalog that is in use: lists first, and last the manifest with its file,
 * in one transaction, so that what was cut short has no manifest in the catalog and `gc` knows that it does not know all.
 */
import type { ImportedChunk } from '../../catalog/imports.js';
import { enterImported, enterImportedManifest } from '../../catalog/imports.js';
import type { CborValue } from '../../core/cbor.js';
import { decodeCborSequence } from '../../core/cbor.js';
import type { FileId, StoreId } from '../../core/ids.js';
import { decodeRef } from '../../core/list.js';
import type { ObjectKind } from '../../core/object.js';
import { isDisktroError, missingObject, throwIfAborted } from '../../errors.js';
import { catalogRecord } from '../chunk/manifest-writer.js';
import type { OpenVault } from '../home/vault.js';
import { ObjectReader } from '../read/object-reader.js';

/** Makes sure that the store has an object. @returns its length there @throws E_OBJECT_MISSING */
export type FindObject = (kind: ObjectKind, id: StoreId) => Promise<number>;

export interface ManifestEntryOptions {
  /** For manifests and list chunks. */
  readonly find: FindObject;
  /** Take only manifests of which every chunk is in the store, and that the catalog has not heard of meanwhile. */
  readonly isStrict?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const LIST_PAGE = 4_096;

/** Whether an error is about the manifest or those who have it; the rest is about this home. */
export function isOfManifest(error: unknown): boolean {
  return (
    isDisktroError(error) &&
    !isDisktroError(error, 'E_ABORTED', 'E_NO_SPACE', 'E_READ_ONLY', 'E_IO', 'E_WORKER')
  );
}

export class ManifestEntry {
  readonly #vault: OpenVault;
  readonly #options: ManifestEntryOptions;
  readonly #reader: ObjectReader;

  constructor(vault: OpenVault, options: ManifestEntryOptions) {
    this.#vault = vault;
    this.#options = options;
    this.#reader = new ObjectReader(vault, vault.engine(0));
  }

  /** @returns whether it is a file of this catalog since now; not when a strict entry came too late */
  async enter(id: FileId): Promise<boolean> {
    const { catalog } = this.#vault.home;
    const storedBytes = await this.#options.find('manifest', id);
    const manifest = await this.#reader.readManifest(id);
    const { chunks, entries } = manifest;
    await this.#descend(chunks.items, chunks.depth, 'references');
    await this.#descend(entries.items, entries.depth, 'entries');
    const named = entries.depth > 0 ? [...chunks.items, ...entries.items] : chunks.items;
    const children: ImportedChunk[] = [];
    for await (const page of this.#pages(named)) children.push(...page);
    return enterImportedManifest(catalog, this.#vault.home.session().id, {
      manifest: { id, kind: 'manifest', storedBytes },
      children,
      file: catalogRecord(this.#vault, manifest),
      isOnlyUnknown: this.#options.isStrict ?? false,
    });
  }

  /** @param leaves what stands at depth 0: the last lists of entries name no objects */
  async #descend(
    items: readonly CborValue[],
    depth: number,
    leaves: 'references' | 'entries',
  ): Promise<void> {
    if (depth === 0) return;
    for (const item of items) {
      throwIfAborted(this.#options.signal);
      const ref = decodeRef(item);
      const storedBytes = await this.#options.find('chunk', ref.storeId);
      if (depth === 1 && leaves === 'entries') continue;
      const inner = [...decodeCborSequence(await this.#reader.readListChunk(ref))];
      await this.#descend(inner, depth - 1, leaves);
      const { catalog } = this.#vault.home;
      const parent = { id: ref.storeId, kind: 'chunk', storedBytes } as const;
      for await (const children of this.#pages(inner)) {
        enterImported(catalog, this.#vault.home.session().id, parent, children);
      }
    }
  }

  /** The objects that items name, with their lengths in the store. */
  async *#pages(items: readonly CborValue[]): AsyncGenerator<readonly ImportedChunk[]> {
    for (let from = 0; from < items.length; from += LIST_PAGE) {
      const refs = items.slice(from, from + LIST_PAGE).map(decodeRef);
      const ids = refs.map(({ storeId }) => storeId);
      const sizes = await this.#vault.home.store.sizes('chunk', ids);
      const missing = ids.find((_, index) => sizes[index] === undefined);
      if (missing !== undefined && this.#options.isStrict === true) throw missingObject(missing);
      yield refs.map((ref, index) => ({ ref, storedBytes: sizes[index] }));
    }
  }
}
