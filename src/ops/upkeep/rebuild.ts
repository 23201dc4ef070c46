/**
 * The catalog again, from nothing but the store and the password (I6): every manifest is opened, and what it lists is
 * entered. The new catalog is made aside and takes the old one's place when it is whole.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Catalog } from '../../catalog/catalog.js';
import { syncFolderOf } from '../../catalog/database.js';
import { removedManifests } from '../../catalog/imports.js';
import { ProcessLock } from '../../catalog/lock.js';
import { Rebuilder } from '../../catalog/rebuilder.js';
import { isAlive, newToken } from '../../catalog/sessions.js';
import type { CborValue } from '../../core/cbor.js';
import { decodeCborSequence } from '../../core/cbor.js';
import type { FileId, PlainId, StoreId } from '../../core/ids.js';
import type { ChunkRef } from '../../core/list.js';
import { decodeRef } from '../../core/list.js';
import type { Manifest } from '../../core/manifest.js';
import type { ObjectKind } from '../../core/object.js';
import { isDisktroError, lockedError, throwIfAborted } from '../../errors.js';
import { nodeFileSystem } from '../../store/file-system.js';
import type { ObjectSize } from '../../store/object-store.js';
import type { HomePaths } from '../../store/paths.js';
import { homePaths } from '../../store/paths.js';
import { catalogRecord } from '../chunk/manifest-writer.js';
import { rebuildLock } from '../home/crash-recovery.js';
import type { HomeOptions } from '../home/home.js';
import { OpenHome, outerStoreOf } from '../home/home.js';
import { waitForLocks } from '../home/lock-wait.js';
import { OpenVault, unlockVault } from '../home/vault.js';
import { ObjectReader } from '../read/object-reader.js';
import { enterHeld, isOfOthers, keepAgreements } from './held-rebuild.js';

export interface RebuildOptions extends HomeOptions {
  readonly password: string;
  readonly onProgress?:
    | ((progress: { readonly objects: number; readonly bytes: number }) => void)
    | undefined;
}

export interface RebuildResult {
  readonly files: number;
  readonly objects: number;
  readonly bytes: number;
  /** Manifests, or lists of them, that could not be read. */
  readonly damaged: readonly string[];
  readonly seconds: number;
}

/** @throws E_NO_VAULT, E_WRONG_PASSWORD, E_LOCKED while another process uses the home, E_READ_ONLY, E_NO_SPACE, E_IO */
export async function rebuildCatalog(options: RebuildOptions): Promise<RebuildResult> {
  const startedMs = performance.now();
  const paths = homePaths(options.home);
  const { vaultFile, unlocked } = await unlockVault(options);
  const lock = await waitForLocks(options, async () => lockHome(paths));
  const token = newToken();
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const aside = path.join(paths.temporary, `${token}-catalog.db`);
  try {
    const catalog = Catalog.create(aside, { journal: 'delete', observer: options.commitObserver });
    const home = new OpenHome({
      paths,
      fileSystem,
      outer: await outerStoreOf(fileSystem, paths, options),
      catalog,
      vaultFile,
      token,
      isReadOnly: false,
      lock: undefined,
      scratchFolder: undefined,
    });
    const vault = new OpenVault(home, vaultFile, unlocked);
    const damaged: string[] = [];
    let totals: ReturnType<Rebuilder['totals']>;
    try {
      keepAgreements(paths.catalog, catalog);
      const walk = new Walk(vault, options);
      for await (const { id } of storedObjects(home, 'manifest')) {
        throwIfAborted(options.signal);
        if ((await isOfOthers(home, id)) || removedManifests(catalog, [id]).size > 0) continue;
        if (!(await walk.enter(id as FileId))) damaged.push(id);
      }
      totals = await walk.finish(damaged.length > 0);
      await enterHeld(home, options.signal);
    } finally {
      await vault.close();
    }
    swapCatalog(paths, aside, token);
    return { ...totals, damaged, seconds: (performance.now() - startedMs) / 1000 };
  } finally {
    fs.rmSync(aside, { force: true });
    lock.release();
  }
}

/** Enters one manifest after another, opening each list chunk once however many manifests share it. */
class Walk {
  readonly #vault: OpenVault;
  readonly #reader: ObjectReader;
  readonly #rebuilder: Rebuilder;
  readonly #options: RebuildOptions;
  readonly #visited = new Set<StoreId>();

  constructor(vault: OpenVault, options: RebuildOptions) {
    this.#vault = vault;
    this.#options = options;
    this.#reader = new ObjectReader(vault, vault.engine(0));
    this.#rebuilder = new Rebuilder(vault.home.catalog);
  }

  /** @param isIncomplete whether some of what is in the store could not be entered */
  async finish(isIncomplete: boolean): Promise<ReturnType<Rebuilder['totals']>> {
    await this.#findTwins();
    this.#rebuilder.finish(isIncomplete);
    return this.#rebuilder.totals();
  }

  /** Chunks that no manifest lists may hold the plaintext of one that is lost: `verify --repair` relies on such. */
  async #findTwins(): Promise<void> {
    const lost = this.#rebuilder.lostPlainIds();
    if (lost.size === 0) return;
    for await (const { id, bytes } of storedObjects(this.#vault.home, 'chunk')) {
      throwIfAborted(this.#options.signal);
      if (this.#rebuilder.has(id)) continue;
      const plainId = await this.#plainIdOf(id);
      if (plainId !== undefined && lost.delete(plainId)) this.#rebuilder.addTwin(id, plainId, bytes);
    }
  }

  async #plainIdOf(storeId: StoreId): Promise<PlainId | undefined> {
    try {
      const chunk = await this.#reader.readExactly({ kind: 'chunk', storeId });
      try {
        return await this.#reader.engine.run({ type: 'plain-id', input: chunk.bytes });
      } finally {
        chunk.release();
      }
    } catch (error) {
      if (isDamage(error)) return undefined;
      throw error;
    }
  }

  /** @returns false when some of it could not be read */
  async enter(id: FileId): Promise<boolean> {
    const [storedBytes = 0] = await this.#vault.home.store.sizes('manifest', [id]);
    let manifest: Manifest;
    try {
      manifest = await this.#reader.readManifest(id);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#rebuilder.addManifest(id, storedBytes, undefined);
      this.#rebuilder.commit();
      return false;
    }
    const row = this.#rebuilder.addManifest(id, storedBytes, catalogRecord(this.#vault, manifest));
    const { chunks, entries } = manifest;
    const isWhole = [
      await this.#descend(chunks.items, chunks.depth, 'references', row),
      await this.#descend(entries.items, entries.depth, 'entries', row),
    ];
    this.#rebuilder.commit();
    this.#options.onProgress?.(this.#rebuilder.totals());
    return isWhole.every(Boolean);
  }

  /** @param leaves what stands at depth 0 */
  async #descend(
    items: readonly CborValue[],
    depth: number,
    leaves: 'references' | 'entries',
    parent: number,
  ): Promise<boolean> {
    if (depth === 0 && leaves === 'entries') return true;
    const refs = items.map(decodeRef);
    const rows = await this.#addChunks(refs, parent);
    if (depth === 0) return true;
    let isWhole = true;
    for (const [index, ref] of refs.entries()) {
      if (this.#visited.has(ref.storeId)) continue;
      this.#visited.add(ref.storeId);
      const inner = await this.#load(ref);
      const row = rows[index];
      if (row === undefined) continue;
      if (inner === undefined) {
        this.#rebuilder.markLost(row);
        isWhole = false;
      } else isWhole = (await this.#descend(inner, depth - 1, leaves, row)) && isWhole;
    }
    return isWhole;
  }

  async #addChunks(refs: readonly ChunkRef[], parent: number): Promise<readonly number[]> {
    const ids = refs.map(({ storeId }) => storeId);
    const sizes = await this.#vault.home.store.sizes('chunk', ids);
    return refs.map((ref, index) => this.#rebuilder.addChunk(ref, sizes[index], parent));
  }

  async #load(ref: ChunkRef): Promise<readonly CborValue[] | undefined> {
    try {
      return [...decodeCborSequence(await this.#reader.readListChunk(ref))];
    } catch (error) {
      if (isDamage(error)) return undefined;
      throw error;
    }
  }
}

/** A disk or bucket that cannot be read just now is no damage: it stops the rebuild. */
function isDamage(error: unknown): boolean {
  return (
    isDisktroError(error) &&
    !isDisktroError(error, 'E_IO', 'E_ABORTED', 'E_CONFIG', 'E_PEER_UNREACHABLE', 'E_PEER_REFUSED')
  );
}

async function* storedObjects({ store }: OpenHome, kind: ObjectKind): AsyncGenerator<ObjectSize> {
  let after: StoreId | undefined;
  for (;;) {
    const page = await store.list(kind, after === undefined ? {} : { after });
    yield* page;
    after = page.at(-1)?.id;
    if (after === undefined) return;
  }
}

/** Nobody else may use the home while its catalog is replaced. */
function lockHome(paths: HomePaths): ProcessLock {
  const lock = ProcessLock.tryAcquire(rebuildLock(paths));
  if (lock === undefined) throw lockedError(`home ${paths.home}`);
  const names = fs.readdirSync(paths.temporary);
  const tokens = names.map((name) => /^([0-9a-f]{16})\.lock$/.exec(name)?.[1]);
  if (tokens.some((token) => token !== undefined && isAlive(paths.temporary, token))) {
    lock.release();
    throw lockedError(`home ${paths.home}`);
  }
  return lock;
}

/** The old catalog leaves first: a crash in between leaves a home that asks for `rebuild`, never one with a stale catalog. */
function swapCatalog(paths: HomePaths, aside: string, token: string): void {
  const old = path.join(paths.temporary, `${token}-old.db`);
  if (fs.existsSync(paths.catalog)) fs.renameSync(paths.catalog, old);
  syncFolderOf(paths.catalog);
  for (const suffix of ['-wal', '-shm']) fs.rmSync(`${paths.catalog}${suffix}`, { force: true });
  // Durably: SQLite would take an old -wal that comes back for the new catalog's.
  syncFolderOf(paths.catalog);
  fs.renameSync(aside, paths.catalog);
  syncFolderOf(paths.catalog);
  fs.rmSync(old, { force: true });
}
