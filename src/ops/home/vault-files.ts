/** vault.json and slots/: the small files that open a vault. Read with suspicion, written durably. */
import path from 'node:path';
import type { ChunkSizes } from '../../core/cutter.js';
import { chunkSizes } from '../../core/cutter.js';
import type { VaultId } from '../../core/ids.js';
import { isVaultId, VAULT_ID_BYTES } from '../../core/ids.js';
import type { Slot } from '../../core/slot-shape.js';
import {
  CLAIM_BYTES,
  SLOT_CHECK_BYTES,
  SLOT_ID_BYTES,
  SLOT_NONCE_BYTES,
  SLOT_SALT_BYTES,
  SLOT_VERSION,
  SLOT_WRAPPED_BYTES,
} from '../../core/slot-shape.js';
import { DisktroError, fileSystemError, integrityError } from '../../errors.js';
import {
  MAX_AVERAGE_CHUNK_BYTES,
  MAX_JSON_FILE_BYTES,
  MAX_LABEL_LENGTH,
  MIN_AVERAGE_CHUNK_BYTES,
} from '../../limits.js';
import type { FileSystem } from '../../store/file-system.js';
import { ignore, readSmallFile, writeFileDurably } from '../../store/file-system.js';
import type { HomePaths } from '../../store/paths.js';
import { jsonFields } from './json-fields.js';

export interface VaultFile {
  readonly vaultId: VaultId;
  readonly created: string;
  readonly sizes: ChunkSizes;
}

/** Of a home whose objects are in a bucket. */
export interface StoreFile {
  /** As a person wrote it: without a secret. */
  readonly url: string;
  /** Which home this is to the store, 32 hex digits: it takes what one writes, and nobody else. */
  readonly owner: string;
}

export interface FoundSlot {
  readonly id: string;
  /** undefined when the file is damaged. */
  readonly slot: Slot | undefined;
  readonly damage?: DisktroError;
}

const VAULT_VERSION = 1;
const STORE_VERSION = 1;
export const OWNER_BYTES = 16;

/** @returns undefined when this home has no vault. @throws E_VAULT_FILE, E_FORMAT_TOO_NEW, E_IO */
export async function readVaultFile(
  fileSystem: FileSystem,
  paths: HomePaths,
): Promise<VaultFile | undefined> {
  const json = await readJson(fileSystem, paths.vaultFile, 'E_VAULT_FILE');
  if (json === undefined) return undefined;
  checkVersion(json, 'vault', VAULT_VERSION);
  return parseVault(json, paths.vaultFile);
}

function checkVersion(json: unknown, what: string, most: number): void {
  const version = (json as { v?: unknown } | null)?.v;
  if (typeof version !== 'number' || version <= most) return;
  throw new DisktroError('E_FORMAT_TOO_NEW', `${what} format: expected at most ${most}, got ${version}`, {
    hint: 'this vault was made by a newer disktro; upgrade this one',
  });
}

export async function writeVaultFile(
  fileSystem: FileSystem,
  paths: HomePaths,
  token: string,
  vault: VaultFile,
): Promise<void> {
  await writeJson(fileSystem, paths, token, paths.vaultFile, vaultFileToJson(vault));
}

/** @returns undefined when the objects are in the home itself. @throws E_VAULT_FILE, E_FORMAT_TOO_NEW, E_IO */
export async function readStoreFile(
  fileSystem: FileSystem,
  paths: HomePaths,
): Promise<StoreFile | undefined> {
  const json = await readJson(fileSystem, paths.storeFile, 'E_VAULT_FILE');
  if (json === undefined) return undefined;
  checkVersion(json, 'store.json', STORE_VERSION);
  const fields = jsonFields(json, paths.storeFile, 'E_VAULT_FILE');
  if (fields.value('v') !== STORE_VERSION) return fields.fail(`v: expected ${STORE_VERSION}`);
  return { url: fields.text('url', 1024), owner: fields.hex('owner', OWNER_BYTES) };
}

export async function writeStoreFile(
  fileSystem: FileSystem,
  paths: HomePaths,
  token: string,
  file: StoreFile,
): Promise<void> {
  await writeJson(fileSystem, paths, token, paths.storeFile, { v: STORE_VERSION, ...file });
}

/** All slots, good and damaged, oldest first. */
export async function readSlots(fileSystem: FileSystem, paths: HomePaths): Promise<readonly FoundSlot[]> {
  const names = await slotFiles(fileSystem, paths);
  const slots = names
    .filter((name) => name.endsWith('.json'))
    .map((name) => readSlot(fileSystem, paths, name));
  return (await Promise.all(slots)).sort((a, b) =>
    (a.slot?.created ?? '') < (b.slot?.created ?? '') ? -1 : 1,
  );
}

async function slotFiles(fileSystem: FileSystem, paths: HomePaths): Promise<readonly string[]> {
  try {
    return (await fileSystem.readFolder(paths.slots).catch(ignore('ENOENT'))) ?? [];
  } catch (error) {
    throw fileSystemError(error, `looking into ${paths.slots}`);
  }
}

export async function writeSlot(
  fileSystem: FileSystem,
  paths: HomePaths,
  token: string,
  slot: Slot,
): Promise<void> {
  await writeJson(fileSystem, paths, token, slotPath(paths, slot.id), slot);
}

export async function removeSlotFile(fileSystem: FileSystem, paths: HomePaths, id: string): Promise<void> {
  try {
    await fileSystem.unlink(slotPath(paths, id)).catch(ignore('ENOENT'));
    await fileSystem.syncFolder(paths.slots);
  } catch (error) {
    throw fileSystemError(error, `removing slot ${id}`);
  }
}

function slotPath(paths: HomePaths, id: string): string {
  return path.join(paths.slots, `${id}.json`);
}

async function readSlot(fileSystem: FileSystem, paths: HomePaths, name: string): Promise<FoundSlot> {
  const id = name.slice(0, -'.json'.length);
  try {
    const json = await readJson(fileSystem, path.join(paths.slots, name), 'E_SLOT_INVALID');
    const slot = parseSlot(json, id);
    return { id, slot };
  } catch (error) {
    return { id, slot: undefined, damage: fileSystemError(error, `slot ${id}`) };
  }
}

/** vault.json as it is written, and as a vault's public record holds it. */
export function vaultFileToJson({ vaultId, created, sizes }: VaultFile) {
  return { v: VAULT_VERSION, vaultId, created, chunker: { algorithm: 'fastcdc', ...sizes } };
}

/** @param file names it in messages. @throws E_VAULT_FILE */
export function parseVault(json: unknown, file: string): VaultFile {
  const fields = jsonFields(json, file, 'E_VAULT_FILE');
  if (fields.value('v') !== VAULT_VERSION) return fields.fail(`v: expected ${VAULT_VERSION}`);
  const chunker = jsonFields(fields.value('chunker'), `${file}: chunker`, 'E_VAULT_FILE');
  const sizes = chunkSizes(chunker.integer('average', MIN_AVERAGE_CHUNK_BYTES, MAX_AVERAGE_CHUNK_BYTES));
  const isFormat1 =
    Number.isInteger(Math.log2(sizes.average)) &&
    chunker.value('algorithm') === 'fastcdc' &&
    chunker.value('min') === sizes.min &&
    chunker.value('max') === sizes.max;
  const vaultId = fields.hex('vaultId', VAULT_ID_BYTES);
  if (!isFormat1 || !isVaultId(vaultId)) return fields.fail('the chunker is not one of format 1');
  return { vaultId, created: fields.text('created', 40), sizes };
}

/** @throws E_SLOT_INVALID */
export function parseSlot(json: unknown, id: string): Slot {
  const fields = jsonFields(json, `slot ${id}`, 'E_SLOT_INVALID');
  if (fields.value('v') !== SLOT_VERSION) return fields.fail(`v: expected ${SLOT_VERSION}`);
  if (fields.value('id') !== id) return fields.fail('id: expected that of the file name');
  const kind = fields.oneOf('kind', ['password', 'recovery']);
  const hasClaim = fields.value('claim') !== undefined;
  return {
    v: SLOT_VERSION,
    id: fields.hex('id', SLOT_ID_BYTES),
    kind,
    kdf: fields.oneOf('kdf', ['argon2id', 'hkdf']),
    salt: fields.hex('salt', SLOT_SALT_BYTES),
    opslimit: fields.integer('opslimit', 0, Number.MAX_SAFE_INTEGER),
    memlimit: fields.integer('memlimit', 0, Number.MAX_SAFE_INTEGER),
    label: fields.text('label', MAX_LABEL_LENGTH),
    created: fields.text('created', 40),
    check: fields.hex('check', SLOT_CHECK_BYTES),
    nonce: fields.hex('nonce', SLOT_NONCE_BYTES),
    wrapped: fields.hex('wrapped', SLOT_WRAPPED_BYTES),
    ...(hasClaim ? { claim: fields.hex('claim', CLAIM_BYTES[kind]) } : {}),
  };
}

async function readJson(
  fileSystem: FileSystem,
  file: string,
  code: 'E_VAULT_FILE' | 'E_SLOT_INVALID',
): Promise<unknown> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readSmallFile(fileSystem, file, MAX_JSON_FILE_BYTES);
  } catch (error) {
    throw fileSystemError(error, `reading ${file}`);
  }
  if (bytes === undefined) return undefined;
  if (bytes.byteLength > MAX_JSON_FILE_BYTES) {
    throw integrityError(code, `${file}: expected at most ${MAX_JSON_FILE_BYTES} bytes`);
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw integrityError(code, `${file}: is not JSON`, { cause });
  }
}

async function writeJson(
  fileSystem: FileSystem,
  paths: HomePaths,
  token: string,
  file: string,
  json: unknown,
): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(json, null, 2)}\n`, 'utf8');
  try {
    await writeFileDurably(
      fileSystem,
      path.join(paths.temporary, `${token}-${path.basename(file)}`),
      file,
      bytes,
    );
  } catch (error) {
    throw fileSystemError(error, `writing ${file}`);
  }
}
