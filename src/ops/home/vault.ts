/** A vault, opened by a password or a recovery code: an open home and the keys that read it. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Catalog } from '../../catalog/catalog.js';
import { heldTotals } from '../../catalog/holdings.js';
import { ProcessLock } from '../../catalog/lock.js';
import { ObjectTable } from '../../catalog/objects.js';
import { newToken } from '../../catalog/sessions.js';
import type { ChunkSizes } from '../../core/cutter.js';
import { chunkSizes } from '../../core/cutter.js';
import type { Engine } from '../../core/engine.js';
import { createEngine } from '../../core/engine.js';
import type { VaultId } from '../../core/ids.js';
import { vaultIdFromBytes } from '../../core/ids.js';
import type { VaultKeys } from '../../core/keys.js';
import { deriveKeys, MASTER_KEY_BYTES, wipeKeys } from '../../core/keys.js';
import { runPasswordWork } from '../../core/password-work.js';
import {
  formatRecoveryCode,
  isMistypedCode,
  parseRecoveryCode,
  RECOVERY_CODE_BYTES,
} from '../../core/recovery-code.js';
import type { Slot } from '../../core/slot-shape.js';
import type { Unlocked } from '../../core/unlock.js';
import { DisktroError, fileSystemError, integrityError, isDisktroError, lockedError } from '../../errors.js';
import { DEFAULT_AVERAGE_CHUNK_BYTES } from '../../limits.js';
import { FileStore } from '../../store/file-store.js';
import { nodeFileSystem } from '../../store/file-system.js';
import { makeFolders } from '../../store/make-folders.js';
import type { HomePaths } from '../../store/paths.js';
import { homePaths, kindFolder, OBJECT_KINDS } from '../../store/paths.js';
import type { Workspace } from '../chunk/workspace.js';
import { createWorkspaces } from '../chunk/workspace.js';
import type { Home, HomeOptions, OpenHome } from './home.js';
import { noVault, openStoreAndCatalog, vaultExists } from './home.js';
import { makeSlot } from './make-slot.js';
import type { FoundSlot, StoreFile, VaultFile } from './vault-files.js';
import {
  readSlots,
  readVaultFile,
  removeSlotFile,
  writeSlot,
  writeStoreFile,
  writeVaultFile,
} from './vault-files.js';

export interface Vault extends Home {
  readonly vaultId: string;
}

/** What the ops room itself sees of an open vault. */
export class OpenVault implements Vault {
  readonly home: OpenHome;
  readonly keys: VaultKeys;
  readonly masterKey: Uint8Array;
  readonly id: VaultId;
  readonly sizes: ChunkSizes;
  /** The slot that the password opens. */
  slotId: string;
  readonly #engines = new Map<number, Engine>();
  readonly #workspaces: ReturnType<typeof createWorkspaces>;

  constructor(home: OpenHome, vaultFile: VaultFile, { masterKey, slotId }: Unlocked) {
    this.home = home;
    this.id = vaultFile.vaultId;
    this.sizes = vaultFile.sizes;
    this.masterKey = masterKey;
    this.slotId = slotId;
    this.keys = deriveKeys(masterKey, vaultFile.vaultId);
    this.#workspaces = createWorkspaces(this.keys.chunker, this.sizes);
  }

  get path(): string {
    return this.home.path;
  }

  get vaultId(): string {
    return this.id;
  }

  /** The engine with this many worker threads; kept until the vault is closed. */
  engine(threads: number): Engine {
    let engine = this.#engines.get(threads);
    if (engine === undefined) {
      const { dedup, object } = this.keys;
      engine = createEngine({ vaultId: this.id, objectKey: object, dedupKey: dedup }, threads);
      this.#engines.set(threads, engine);
    }
    return engine;
  }

  /** Memory for one pass over an input; give it back. */
  borrowWorkspace(): Workspace {
    return this.#workspaces.borrow();
  }

  giveWorkspace(workspace: Workspace): void {
    this.#workspaces.give(workspace);
  }

  async close(): Promise<void> {
    try {
      await Promise.all([...this.#engines.values()].map((engine) => engine.close()));
      await this.home.close();
    } finally {
      wipeKeys(this.keys);
      this.masterKey.fill(0);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens a vault with a password or its recovery code.
 * @throws E_NO_VAULT, E_WRONG_PASSWORD, E_SLOT_INVALID, E_SLOT_PARAMETERS, E_SLOT_DAMAGED, and what opening a home throws
 */
export async function openVault(options: HomeOptions & { readonly password: string }): Promise<Vault> {
  const unlocking = unlockVault(options);
  unlocking.catch(() => {});
  const opening = openStoreAndCatalog(options);
  opening.catch(() => {});
  try {
    const home = await opening;
    const { vaultFile, unlocked } = await unlocking;
    return new OpenVault(home, vaultFile, unlocked);
  } catch (error) {
    await opening.then((home) => home.close()).catch(() => {});
    await unlocking.then(({ unlocked }) => unlocked.masterKey.fill(0)).catch(() => {});
    throw error;
  }
}

/** The vault's description and its master key, without store or catalog. */
export async function unlockVault(
  options: HomeOptions & { readonly password: string },
): Promise<{ readonly vaultFile: VaultFile; readonly unlocked: Unlocked }> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const paths = homePaths(options.home);
  const vaultFile = await readVaultFile(fileSystem, paths);
  if (vaultFile === undefined) throw noVault(options.home);
  const unlocked = await unlock(vaultFile.vaultId, await readSlots(fileSystem, paths), options.password);
  return { vaultFile, unlocked };
}

/** Whether a password or code opens the vault. @throws what {@link unlockVault} throws */
export async function checkPassword(options: HomeOptions & { readonly password: string }): Promise<void> {
  const { unlocked } = await unlockVault(options);
  unlocked.masterKey.fill(0);
}

/** The room's own view of a vault that came in through the public interface. */
export function opened(vault: Vault): OpenVault {
  if (vault instanceof OpenVault) return vault;
  throw new TypeError('expected a vault from openVault');
}

export function openedHome(home: Home): OpenHome {
  return home instanceof OpenVault ? home.home : (home as OpenHome);
}

export interface CreatedVault {
  readonly home: string;
  readonly vaultId: string;
  /** Printed once, kept nowhere. */
  readonly recoveryCode: string;
}

/**
 * Makes home, vault, a password slot and a recovery slot. vault.json comes last: without it there is no vault.
 * @throws E_VAULT_EXISTS also for the slower of two at once; E_LOCKED, E_READ_ONLY, E_NO_SPACE, E_IO; of a bucket also
 *   E_CONFIG, E_PEER_UNREACHABLE, E_PEER_REFUSED
 */
export async function createVault(
  options: HomeOptions & {
    readonly password: string;
    readonly averageChunkBytes?: number;
    /** `s3://…`: the bucket that is to hold the objects; default: the home itself. */
    readonly store?: string | undefined;
  },
): Promise<CreatedVault> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const paths = homePaths(options.home);
  if ((await readVaultFile(fileSystem, paths)) !== undefined) throw vaultExists(options.home);
  const vaultId = vaultIdFromBytes(randomBytes(16));
  const masterKey = randomBytes(MASTER_KEY_BYTES);
  const recoveryCode = formatRecoveryCode(randomBytes(RECOVERY_CODE_BYTES));
  const slots = await Promise.all([
    makeSlot({ vaultId, masterKey, kind: 'password', secret: options.password, label: 'first password' }),
    makeSlot({ vaultId, masterKey, kind: 'recovery', secret: recoveryCode, label: 'recovery code' }),
  ]);
  const sizes = chunkSizes(options.averageChunkBytes ?? DEFAULT_AVERAGE_CHUNK_BYTES);
  const vaultFile = { vaultId, created: new Date().toISOString(), sizes };
  try {
    const { store } = options;
    const claim =
      store === undefined ? undefined : () => beginInBucket(store, { vaultFile, slots, masterKey });
    await layOutHome(options, { vaultFile, slots, claim });
  } finally {
    masterKey.fill(0);
  }
  return { home: paths.home, vaultId, recoveryCode };
}

/** The bucket first: a home that was not finished is made anew, and one that says it has a bucket has it. */
async function beginInBucket(
  url: string,
  made: { readonly vaultFile: VaultFile; readonly slots: readonly Slot[]; readonly masterKey: Uint8Array },
): Promise<StoreFile> {
  const [{ claimEmptyStore, openBucket }, { writeFirstRecord }] = await Promise.all([
    import('./outer-store.js'),
    import('./outer-record.js'),
  ]);
  const store = await openBucket(url, nodeFileSystem);
  try {
    const file = await claimEmptyStore(store, url);
    await writeFirstRecord(store, made);
    return file;
  } finally {
    store.close();
  }
}

export interface HomeLayout {
  readonly vaultFile: VaultFile;
  readonly slots: readonly Slot[];
  /** Makes a bucket the home's, when no other process is making the home; undefined: the objects are in the home itself. */
  readonly claim: (() => Promise<StoreFile>) | undefined;
}

/** Makes a home with a vault. @throws as {@link createVault} */
export async function layOutHome(
  options: HomeOptions,
  { vaultFile, slots, claim }: HomeLayout,
): Promise<void> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const paths = homePaths(options.home);
  const lock = await lockForInit(paths, options.lockWaitSeconds ?? 0);
  try {
    if ((await readVaultFile(fileSystem, paths)) !== undefined) throw vaultExists(options.home);
    const token = newToken();
    const store = new FileStore(fileSystem, paths, token);
    const storeFile = await claim?.();
    if (storeFile === undefined) await store.makeFolders();
    const found = catalogOfNode(paths);
    if (found !== 'holding') await removeLeftoverSlots(options, paths, store);
    if (found === 'none') {
      for (const file of ['catalog.db', 'catalog.db-wal', 'catalog.db-shm']) {
        fs.rmSync(path.join(paths.home, file), { force: true });
      }
      Catalog.create(paths.catalog, { observer: options.commitObserver }).close();
    }
    for (const slot of slots) await writeSlot(fileSystem, paths, token, slot);
    if (storeFile !== undefined) await writeStoreFile(fileSystem, paths, token, storeFile);
    await writeVaultFile(fileSystem, paths, token, vaultFile);
    await fileSystem.syncFolder(path.dirname(paths.home));
  } catch (error) {
    throw fileSystemError(error, `making a vault at ${paths.home}`);
  } finally {
    lock.release();
  }
}

/**
 * Whether there is a catalog of a node, which may have stored for others so far. It stays, with its rows: a running
 * `serve` has it open, and would go on with a file that has no name any more.
 */
function catalogOfNode(paths: HomePaths): 'holding' | 'empty' | 'none' {
  if (!fs.existsSync(paths.catalog)) return 'none';
  let catalog: Catalog | undefined;
  try {
    catalog = Catalog.open(paths.catalog);
    const { objects } = new ObjectTable(catalog).totals();
    if (objects === 0) return 'empty';
    return heldTotals(catalog).objects === objects ? 'holding' : 'none';
  } catch (error) {
    if (isDisktroError(error, 'E_CATALOG_CORRUPT')) return 'none';
    throw error;
  } finally {
    catalog?.close();
  }
}

async function lockForInit(paths: HomePaths, lockWaitSeconds: number): Promise<ProcessLock> {
  try {
    makeFolders(paths.home, 0o700);
    for (const folder of [paths.temporary, paths.slots]) makeFolders(folder, 0o700);
    const lock = await ProcessLock.acquire(
      path.join(paths.temporary, 'init.lock'),
      Math.max(30, lockWaitSeconds) * 1000,
    );
    if (lock !== undefined) return lock;
  } catch (error) {
    throw fileSystemError(error, `making a home at ${paths.home}`);
  }
  throw lockedError(`home ${paths.home}`);
}

/**
 * Slots without a vault.json are what a killed `init` left. Objects without one are somebody's files, and nothing
 * but the lost vault.json and its slots opens them: a new vault would in time free them as garbage.
 */
async function removeLeftoverSlots(options: HomeOptions, paths: HomePaths, store: FileStore): Promise<void> {
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  for (const kind of OBJECT_KINDS) {
    if ((await store.list(kind, { limit: 1 })).length === 0) continue;
    throw integrityError(
      'E_VAULT_FILE',
      `vault.json is missing, but there are ${kindFolder('', kind)} here`,
      {
        hint: `restore ${paths.vaultFile} and ${paths.slots} from a backup, or choose another home`,
      },
    );
  }
  for (const { id } of await readSlots(fileSystem, paths)) await removeSlotFile(fileSystem, paths, id);
}

async function unlock(vaultId: VaultId, found: readonly FoundSlot[], secret: string): Promise<Unlocked> {
  const readable = found.map(({ slot }) => slot).filter((slot) => slot !== undefined);
  const codes =
    parseRecoveryCode(secret) === undefined ? [] : readable.filter(({ kind }) => kind === 'recovery');
  // A password may look like a recovery code; a code comes first, because it takes no Argon2id to try.
  const fitting = [...codes, ...readable.filter(({ kind }) => kind === 'password')];
  const damage = found.find((slot) => slot.damage !== undefined)?.damage;
  if (readable.length === 0 && damage === undefined) {
    throw integrityError('E_SLOT_INVALID', 'no slot opens this vault: slots/ is empty');
  }
  // The secret may be right for a slot that cannot be read: that is damage, not a wrong password.
  if (fitting.length === 0 && damage !== undefined) throw damage;
  return runPasswordWork({ type: 'unlock', vaultId, secret, slots: fitting }).catch((error: unknown) => {
    if (!isDisktroError(error, 'E_WRONG_PASSWORD') || !isMistypedCode(secret)) throw error;
    throw new DisktroError(error.code, error.message, {
      hint: 'this reads like a recovery code with a typing error: compare it with the paper digit by digit',
      cause: error,
    });
  });
}
