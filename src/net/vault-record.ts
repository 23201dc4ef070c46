/**
 * A vault's public record (docs/PROTOCOL.md): what lets its owner come back with nothing but a password or the recovery
 * code. Signed by the vault; here are its form and its signature. What the fields hold is read by whoever uses them.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { VaultId } from '../core/ids.js';
import { isVaultId } from '../core/ids.js';
import { canonicalJson, signJson, verifyJson } from './canonical-json.js';

/** Of the record as JSON: a slot has some 600 bytes, the sealed authority some 2,000. */
export const MAX_VAULT_RECORD_BYTES = 64 * 1024;
const MAX_SLOTS = 8;
const MAX_AUTHORITY_LENGTH = 16 * 1024;
const SPKI_BYTES = 44;

export interface VaultRecord {
  readonly v: 1;
  readonly id: VaultId;
  /** The vault's Ed25519 key: SPKI, base64. */
  readonly verify_key: string;
  /** Grows with every change. */
  readonly version: number;
  /** What vault.json holds. */
  readonly vault_file: unknown;
  /** What the files of slots/ hold. */
  readonly slots: readonly unknown[];
  /** Certificate and key of the cluster's CA, sealed for the vault's owner, base64. */
  readonly authority?: string;
}

export interface SignedVaultRecord extends VaultRecord {
  readonly signature: string;
}

/** @param privateKey the vault's Ed25519 key */
export function signVaultRecord(record: VaultRecord, privateKey: KeyObject): SignedVaultRecord {
  return { ...record, signature: signJson('vault', record, privateKey) };
}

/**
 * Checks a record from the network or the disk: its form, its size, and that the key that it names has signed it.
 * Whether that is the key of the vault is for the caller to say. Never throws for what it is given.
 */
export function verifyVaultRecord(
  json: unknown,
): { readonly record: SignedVaultRecord } | { readonly refusal: string } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { refusal: 'not an object' };
  const wrong = Object.entries(FIELDS).find(([field, isGood]) => !isGood(own(json, field)));
  if (wrong !== undefined) return { refusal: `${wrong[0]} is not as it should be` };
  const { signature, ...unsigned } = json as SignedVaultRecord;
  try {
    if (Buffer.byteLength(canonicalJson(json)) > MAX_VAULT_RECORD_BYTES) return { refusal: 'too long' };
  } catch {
    return { refusal: 'no canonical form' };
  }
  const key = readKey(unsigned.verify_key);
  if (key === undefined) return { refusal: 'verify_key is not an Ed25519 key' };
  if (!verifyJson('vault', unsigned, key, signature)) return { refusal: 'signature does not fit' };
  return { record: structuredClone(json) as SignedVaultRecord };
}

/** Whether `key` has signed a request about its vault. */
export function isSignedByVault(
  purpose: string,
  value: unknown,
  verifyKey: string,
  signature: string,
): boolean {
  const key = readKey(verifyKey);
  return key !== undefined && verifyJson(purpose, value, key, signature);
}

type Check = (value: unknown) => boolean;

const isText =
  (mostLength: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= mostLength;

const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const FIELDS: Readonly<Record<keyof SignedVaultRecord, Check>> = {
  v: (value) => value === 1,
  id: (value) => typeof value === 'string' && isVaultId(value),
  verify_key: isText(100),
  version: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 1,
  vault_file: isObject,
  slots: (value) =>
    Array.isArray(value) && value.length > 0 && value.length <= MAX_SLOTS && value.every(isObject),
  authority: (value) => value === undefined || isText(MAX_AUTHORITY_LENGTH)(value),
  signature: isText(100),
};

const own = (object: object, key: string): unknown =>
  Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;

/** Only the one spelling of a key: another one would be another key to whoever compares text. */
function readKey(verifyKey: string): KeyObject | undefined {
  const der = Buffer.from(verifyKey, 'base64');
  if (der.byteLength !== SPKI_BYTES || der.toString('base64') !== verifyKey) return undefined;
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
