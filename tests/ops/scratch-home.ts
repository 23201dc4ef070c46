// Homes for tests, made in milliseconds: the master key is handed in, so no password has to be stretched.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { Catalog } from '../../src/catalog/catalog.js';
import { newToken } from '../../src/catalog/sessions.js';
import type { ChunkSizes } from '../../src/core/cutter.js';
import { chunkSizes } from '../../src/core/cutter.js';
import type { VaultId } from '../../src/core/ids.js';
import { formatRecoveryCode } from '../../src/core/recovery-code.js';
import type { HomeOptions } from '../../src/ops/home/home.js';
import { openStoreAndCatalog } from '../../src/ops/home/home.js';
import { makeSlot } from '../../src/ops/home/make-slot.js';
import { OpenVault } from '../../src/ops/home/vault.js';
import type { VaultFile } from '../../src/ops/home/vault-files.js';
import { readVaultFile, writeSlot, writeVaultFile } from '../../src/ops/home/vault-files.js';
import { FileStore } from '../../src/store/file-store.js';
import { nodeFileSystem } from '../../src/store/file-system.js';
import { homePaths } from '../../src/store/paths.js';
import { sampleBytes } from './sample-bytes.js';

export const SCRATCH_VAULT = '0123456789abcdef0123456789abcdef' as VaultId;
/** Opens every scratch home made with `withSlot`; unlike a password it costs no Argon2id. */
export const RECOVERY_CODE = formatRecoveryCode(sampleBytes('recovery code', 16));

const MASTER_KEY = sampleBytes('master key', 32);
const SHARED_MEMORY = '/dev/shm';
const ROOM_NEEDED_BYTES = 1024 ** 3;

/** 256-byte chunks, so that a few kilobytes are many chunks; the maximum leaves room for list chunks. */
export const TINY_SIZES: ChunkSizes = { min: 128, average: 256, max: 256 * 1024 };

/** A folder of the test's own that goes with it; in memory where that can be, because fsync is free there. */
export function scratchFolder(test: Test): string {
  const folder = fs.mkdtempSync(path.join(scratchRoot(), 'disktro-test-'));
  test.teardown(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}

function scratchRoot(): string {
  try {
    fs.accessSync(SHARED_MEMORY, fs.constants.W_OK);
    const { bavail, bsize } = fs.statfsSync(SHARED_MEMORY);
    if (bavail * bsize >= ROOM_NEEDED_BYTES) return SHARED_MEMORY;
  } catch {
    // No such folder on this platform.
  }
  return os.tmpdir();
}

export interface ScratchOptions {
  /** Also write a slot that {@link RECOVERY_CODE} opens. */
  readonly withSlot?: boolean;
  /** Of vault.json; a power of two from 65,536 on. */
  readonly averageChunkBytes?: number;
}

/** Makes a home with a vault. @returns its path */
export async function makeScratchHome(folder: string, options: ScratchOptions = {}): Promise<string> {
  const paths = homePaths(path.join(folder, 'home'));
  for (const each of [paths.home, paths.slots, paths.temporary]) fs.mkdirSync(each, { mode: 0o700 });
  const token = newToken();
  await new FileStore(nodeFileSystem, paths, token).makeFolders();
  Catalog.create(paths.catalog).close();
  if (options.withSlot === true) {
    const slot = await makeSlot({
      vaultId: SCRATCH_VAULT,
      masterKey: MASTER_KEY,
      kind: 'recovery',
      secret: RECOVERY_CODE,
      label: 'scratch',
    });
    await writeSlot(nodeFileSystem, paths, token, slot);
  }
  const sizes = chunkSizes(options.averageChunkBytes ?? 65_536);
  const vaultFile: VaultFile = { vaultId: SCRATCH_VAULT, created: '2001-02-03T04:05:06.789Z', sizes };
  await writeVaultFile(nodeFileSystem, paths, token, vaultFile);
  return paths.home;
}

/** Opens a scratch home's vault. `sizes` stand in for those of vault.json. */
export async function openScratch(
  home: string,
  options: Omit<HomeOptions, 'home'> & { readonly sizes?: ChunkSizes } = {},
): Promise<OpenVault> {
  const { sizes, ...homeOptions } = options;
  const vaultFile = await readVaultFile(nodeFileSystem, homePaths(home));
  if (vaultFile === undefined) throw new Error(`no vault at ${home}`);
  const open = await openStoreAndCatalog({ ...homeOptions, home });
  const unlocked = { masterKey: Buffer.from(MASTER_KEY), slotId: 'none' };
  return new OpenVault(open, { ...vaultFile, sizes: sizes ?? vaultFile.sizes }, unlocked);
}

/** Every file of a home by its relative path: what is there when the power goes. */
export class HomeImage {
  readonly files: ReadonlyMap<string, Buffer>;

  constructor(files: ReadonlyMap<string, Buffer>) {
    this.files = files;
  }

  static of(home: string): HomeImage {
    const files = filesOf(home).map((file) => [file, fs.readFileSync(path.join(home, file))] as const);
    return new HomeImage(new Map(files));
  }

  /** Makes the home hold exactly these files. Nobody may have it open. */
  restoreTo(home: string): void {
    for (const file of filesOf(home)) {
      if (!this.files.has(file)) fs.unlinkSync(path.join(home, file));
    }
    for (const [file, bytes] of this.files) replaceFile(path.join(home, file), bytes);
  }
}

const LONG_AGO = new Date('2001-02-03T04:05:06Z');

/** A new file, never a changed one: whoever still has the old one open keeps it. Old enough for gc whatever the clock does. */
function replaceFile(file: string, bytes: Buffer): void {
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, bytes, { mode: 0o600 });
  fs.utimesSync(file, LONG_AGO, LONG_AGO);
}

/** Relative paths of all files. The index of the write-ahead log is left out: SQLite makes it anew. */
export function filesOf(home: string): string[] {
  const files: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of fs.readdirSync(path.join(home, folder), { withFileTypes: true })) {
      const relative = path.join(folder, entry.name);
      if (entry.isDirectory()) walk(relative);
      else if (entry.name !== 'catalog.db-shm') files.push(relative);
    }
  };
  walk('');
  return files;
}
