/** vault.json and slots/: the small files that open a vault. Read with suspicion, written durably. */
import path from 'node:path';
import { z } from 'zod';
import type { ChunkSizes } from '../core/cutter.js';
import { chunkSizes } from '../core/cutter.js';
import type { VaultId } from '../core/ids.js';
import { isVaultId } from '../core/ids.js';
import type { Slot } from '../core/slot-shape.js';
import { SLOT_ID_BYTES, SLOT_SALT_BYTES } from '../core/slot-shape.js';
import { DisktroError, fileSystemError, integrityError } from '../errors.js';
import { MAX_AVERAGE_CHUNK_BYTES, MAX_JSON_FILE_BYTES, MIN_AVERAGE_CHUNK_BYTES } from '../limits.js';
import type { FileSystem } from '../store/file-system.js';
import { ignore, readSmallFile, writeFileDurably } from '../store/file-system.js';
import type { HomePaths } from '../store/paths.js';

export interface VaultFile {
  readonly vaultId: VaultId;
  readonly created: string;
  readonly sizes: ChunkSizes;
}

export interface FoundSlot {
  readonly id: string;
  /** undefined when the file is damaged. */
  readonly slot: Slot | undefined;
  readonly damage?: DisktroError;
}

const VAULT_VERSION = 1;

const vaultSchema = z.strictObject({
  v: z.number().int().positive(),
  vaultId: z.string().refine(isVaultId, 'expected 32 hex digits'),
  created: z.string(),
  chunker: z.strictObject({
    algorithm: z.literal('fastcdc'),
    min: z.number(),
    average: z.number().int().min(MIN_AVERAGE_CHUNK_BYTES).max(MAX_AVERAGE_CHUNK_BYTES),
    max: z.number(),
  }),
});

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `expected ${bytes * 2} hex digits`);

const slotSchema = z.strictObject({
  v: z.literal(1),
  id: hex(SLOT_ID_BYTES),
  kind: z.enum(['password', 'recovery']),
  kdf: z.enum(['argon2id', 'hkdf']),
  salt: hex(SLOT_SALT_BYTES),
  opslimit: z.number().int().nonnegative(),
  memlimit: z.number().int().nonnegative(),
  label: z.string().max(200),
  created: z.string().max(40),
  check: hex(32),
  nonce: hex(24),
  wrapped: hex(48),
});

/** @returns undefined when this home has no vault. @throws E_VAULT_FILE, E_FORMAT_TOO_NEW, E_IO */
export async function readVaultFile(
  fileSystem: FileSystem,
  paths: HomePaths,
): Promise<VaultFile | undefined> {
  const json = await readJson(fileSystem, paths.vaultFile, 'E_VAULT_FILE');
  if (json === undefined) return undefined;
  const version = (json as { v?: unknown } | null)?.v;
  if (typeof version === 'number' && version > VAULT_VERSION) {
    throw new DisktroError(
      'E_FORMAT_TOO_NEW',
      `vault format: expected at most ${VAULT_VERSION}, got ${version}`,
      {
        hint: 'this vault was made by a newer disktro; upgrade this one',
      },
    );
  }
  const parsed = vaultSchema.safeParse(json);
  if (!parsed.success)
    throw integrityError('E_VAULT_FILE', `${paths.vaultFile}: ${z.prettifyError(parsed.error)}`);
  const { vaultId, created, chunker } = parsed.data;
  const sizes = chunkSizes(chunker.average);
  if (
    !Number.isInteger(Math.log2(chunker.average)) ||
    chunker.min !== sizes.min ||
    chunker.max !== sizes.max
  ) {
    throw integrityError('E_VAULT_FILE', `${paths.vaultFile}: chunker sizes are not those of format 1`);
  }
  return { vaultId, created, sizes };
}

export async function writeVaultFile(
  fileSystem: FileSystem,
  paths: HomePaths,
  token: string,
  vault: VaultFile,
): Promise<void> {
  const { vaultId, created, sizes } = vault;
  const json = { v: VAULT_VERSION, vaultId, created, chunker: { algorithm: 'fastcdc', ...sizes } };
  await writeJson(fileSystem, paths, token, paths.vaultFile, json);
}

/** All slots, good and damaged, oldest first. */
export async function readSlots(fileSystem: FileSystem, paths: HomePaths): Promise<readonly FoundSlot[]> {
  const names = (await fileSystem.readFolder(paths.slots).catch(ignore('ENOENT'))) ?? [];
  const slots = names
    .filter((name) => name.endsWith('.json'))
    .map((name) => readSlot(fileSystem, paths, name));
  return (await Promise.all(slots)).sort((a, b) =>
    (a.slot?.created ?? '') < (b.slot?.created ?? '') ? -1 : 1,
  );
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
    const parsed = slotSchema.safeParse(json);
    if (parsed.success && parsed.data.id === id) return { id, slot: parsed.data };
    const why = parsed.success ? `its id is ${parsed.data.id}` : z.prettifyError(parsed.error);
    return { id, slot: undefined, damage: integrityError('E_SLOT_INVALID', `slot ${id}: ${why}`) };
  } catch (error) {
    return { id, slot: undefined, damage: fileSystemError(error, `slot ${id}`) };
  }
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
