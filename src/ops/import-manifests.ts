/**
 * Finds what other machines of the same vault have stored: the manifests that members list are fetched with their lists,
 * opened, and entered in this catalog. Used by `recover`, `repair` and `gc`. A manifest that was removed here does not
 * come back, and one that is not of this vault's key is not taken.
 */
import { noteCopies } from '../catalog/copies.js';
import type { ImportedChunk } from '../catalog/imports.js';
import {
  enterImported,
  enterImportedFile,
  heldManifests,
  knownFiles,
  removedManifests,
} from '../catalog/imports.js';
import type { CborValue } from '../core/cbor.js';
import { decodeCborSequence } from '../core/cbor.js';
import type { FileId, NodeId, StoreId } from '../core/ids.js';
import { decodeRef } from '../core/list.js';
import type { ObjectKind } from '../core/object.js';
import { maxObjectBytes } from '../core/object.js';
import { isDisktroError, missingObject, throwIfAborted } from '../errors.js';
import type { Cluster } from './cluster.js';
import { HeldWriter } from './held-writer.js';
import { catalogRecord } from './manifest-writer.js';
import { noteCopiesOf } from './note-copies.js';
import { ObjectReader } from './object-reader.js';
import { PeerSource } from './peer-source.js';
import type { OpenVault } from './vault.js';
import { withdrawRegretted } from './withdraw-deletions.js';

export interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((progress: { readonly done: number; readonly total: number | undefined }) => void)
    | undefined;
}

export interface ImportResult {
  /** Files that are new here. */
  readonly imported: readonly FileId[];
  /** Manifests that could not be fetched or opened, with why. */
  readonly failed: ReadonlyMap<StoreId, unknown>;
  /** Members that could not be asked what they know. */
  readonly unreachable: ReadonlyMap<NodeId, unknown>;
}

const LIST_PAGE = 4_096;

/** @throws E_ABORTED, and what this home's disk does; members' failures are in the result */
export async function importManifests(
  vault: OpenVault,
  cluster: Cluster,
  { signal, onProgress }: ImportOptions = {},
): Promise<ImportResult> {
  const { home } = vault;
  const unreachable = new Map<NodeId, unknown>();
  const listed = new Map<NodeId, readonly StoreId[]>();
  await Promise.all(
    cluster.reachable().map(async (node) => {
      try {
        const manifests = await cluster.peer(node).listManifests(vault.id, signal);
        listed.set(
          node,
          manifests.map(({ id }) => id),
        );
        cluster.membership.noteSeen(node);
      } catch (error) {
        if (isDisktroError(error, 'E_ABORTED')) throw error;
        unreachable.set(node, error);
        cluster.membership.notePingFailed(node);
      }
    }),
  );
  const all = [...new Set([...[...listed.values()].flat(), ...heldManifests(home.catalog, vault.id)])].sort();
  const [known, removed] = [knownFiles(home.catalog, all), removedManifests(home.catalog, all)];
  const wanted = all.filter((id) => !known.has(id) && !removed.has(id)) as FileId[];
  const failed = await importEach(vault, cluster, wanted, { signal, onProgress });
  const imported = wanted.filter((id) => !failed.has(id));
  for (const [node, ids] of listed) noteCopies(home.catalog, node, ids);
  // What was told to be deleted while another machine came to rely on it.
  await withdrawRegretted(vault, cluster, signal);
  await noteCopiesOf(home, cluster, imported, [...listed.keys()], signal);
  return { imported, failed, unreachable };
}

async function importEach(
  vault: OpenVault,
  cluster: Cluster,
  wanted: readonly FileId[],
  { signal, onProgress }: ImportOptions,
): Promise<ReadonlyMap<StoreId, unknown>> {
  const failed = new Map<StoreId, unknown>();
  const work = new Import(vault, cluster, signal);
  try {
    for (const [done, id] of wanted.entries()) {
      throwIfAborted(signal);
      onProgress?.({ done, total: wanted.length });
      try {
        await work.enter(id);
      } catch (error) {
        if (!isOfManifest(error)) throw error;
        failed.set(id, error);
      }
    }
  } finally {
    // Or `gc`, which may come next in this process, would wait for it.
    vault.home.endSession();
  }
  return failed;
}

/** About the manifest or the members that have it; the rest is about this home. */
function isOfManifest(error: unknown): boolean {
  return (
    isDisktroError(error) &&
    !isDisktroError(error, 'E_ABORTED', 'E_NO_SPACE', 'E_READ_ONLY', 'E_IO', 'E_WORKER')
  );
}

class Import {
  readonly #vault: OpenVault;
  readonly #reader: ObjectReader;
  readonly #source: PeerSource;
  readonly #writer: HeldWriter;
  readonly #buffer: Buffer;
  readonly #signal: AbortSignal | undefined;

  constructor(vault: OpenVault, cluster: Cluster, signal: AbortSignal | undefined) {
    this.#vault = vault;
    this.#signal = signal;
    this.#reader = new ObjectReader(vault, vault.engine(0));
    this.#source = new PeerSource(vault.home, cluster);
    this.#writer = new HeldWriter(vault.home, { quotaBytes: 0, reserveBytes: 0 });
    this.#buffer = Buffer.allocUnsafeSlow(maxObjectBytes(vault.sizes.max));
  }

  async enter(id: FileId): Promise<void> {
    const { home } = this.#vault;
    const storedBytes = await this.#ensureHere('manifest', id);
    const manifest = await this.#reader.readManifest(id);
    const { chunks, entries } = manifest;
    const parent = { id, kind: 'manifest', storedBytes } as const;
    await this.#enterChildren(parent, chunks.items);
    await this.#descend(chunks.items, chunks.depth);
    if (entries.depth > 0) {
      await this.#enterChildren(parent, entries.items);
      // The items at depth 0 are entries: the last lists name no objects.
      await this.#descend(entries.items, entries.depth, 'entries');
    }
    enterImportedFile(home.catalog, id, catalogRecord(this.#vault, manifest));
  }

  async #descend(
    items: readonly CborValue[],
    depth: number,
    leaves: 'references' | 'entries' = 'references',
  ): Promise<void> {
    if (depth === 0) return;
    for (const item of items) {
      throwIfAborted(this.#signal);
      const ref = decodeRef(item);
      const storedBytes = await this.#ensureHere('chunk', ref.storeId);
      if (depth === 1 && leaves === 'entries') continue;
      const inner = [...decodeCborSequence(await this.#reader.readListChunk(ref))];
      await this.#enterChildren({ id: ref.storeId, kind: 'chunk', storedBytes }, inner);
      await this.#descend(inner, depth - 1, leaves);
    }
  }

  async #enterChildren(
    parent: Parameters<typeof enterImported>[2],
    items: readonly CborValue[],
  ): Promise<void> {
    const { catalog, store } = this.#vault.home;
    const session = this.#vault.home.session().id;
    const refs = items.map(decodeRef);
    for (let from = 0; from === 0 || from < refs.length; from += LIST_PAGE) {
      const page = refs.slice(from, from + LIST_PAGE);
      const sizes = await store.sizes(
        'chunk',
        page.map(({ storeId }) => storeId),
      );
      const children = page.map((ref, index): ImportedChunk => ({ ref, storedBytes: sizes[index] }));
      enterImported(catalog, session, parent, children);
    }
  }

  /** Manifests and list chunks lie here afterwards: without them the catalog could not be made again. @returns its length */
  async #ensureHere(kind: ObjectKind, id: StoreId): Promise<number> {
    const { home } = this.#vault;
    const [size] = await home.store.sizes(kind, [id]);
    const row = home.objects.find(id);
    if (size !== undefined && row?.state !== 'lost') return size;
    // The catalog says that it is here, and the store does not have it.
    if (row?.state === 'present') home.objects.markLost([row.row]);
    await this.#source.fetch(id, this.#buffer, (bytes) => this.#writer.put(kind, id, bytes), this.#signal);
    const [stored] = await home.store.sizes(kind, [id]);
    if (stored === undefined) throw missingObject(id);
    return stored;
  }
}
