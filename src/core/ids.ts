/**
 * Names of things as branded strings, so that the compiler refuses a mix-up.
 * A well-formed id is checked here, before it touches a path, a query or a URL.
 */
import { integrityError } from '../errors.js';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** SHA-256 of an object's bytes: 64 lower-case hex digits. Its file name, its URL and its checksum. */
export type StoreId = Branded<'StoreId'>;
/** HMAC-SHA256 of a plaintext under the vault's dedup key: 64 lower-case hex digits. */
export type PlainId = Branded<'PlainId'>;
/** The store id of a manifest: what a person types to get a file back. */
export type FileId = StoreId & { readonly [brand]: 'StoreId' };
/** Base32 of SHA-256 of a node's public key (SPKI). */
export type NodeId = Branded<'NodeId'>;
/** 16 random bytes as 32 lower-case hex digits. */
export type VaultId = Branded<'VaultId'>;

export const ID_BYTES = 32;
export const VAULT_ID_BYTES = 16;

const HEX_64 = /^[0-9a-f]{64}$/;
const HEX_32 = /^[0-9a-f]{32}$/;

export const isStoreId = (text: string): text is StoreId => HEX_64.test(text);
export const isVaultId = (text: string): text is VaultId => HEX_32.test(text);

/** Reads a store id out of 32 bytes. */
export function storeIdFromBytes(bytes: Uint8Array): StoreId {
  return hexOfLength(bytes, ID_BYTES, 'store id') as StoreId;
}

/** Reads a plain id out of 32 bytes. */
export function plainIdFromBytes(bytes: Uint8Array): PlainId {
  return hexOfLength(bytes, ID_BYTES, 'plain id') as PlainId;
}

/** Reads a vault id out of 16 bytes. */
export function vaultIdFromBytes(bytes: Uint8Array): VaultId {
  return hexOfLength(bytes, VAULT_ID_BYTES, 'vault id') as VaultId;
}

/** The bytes behind any of the hex ids. */
export function idToBytes(id: StoreId | PlainId | VaultId): Buffer {
  return Buffer.from(id, 'hex');
}

function hexOfLength(bytes: Uint8Array, length: number, what: string): string {
  if (bytes.byteLength !== length) {
    throw integrityError('E_MANIFEST_INVALID', `${what}: expected ${length} bytes, got ${bytes.byteLength}`);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
