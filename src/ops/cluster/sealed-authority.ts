/**
 * The cluster's CA, sealed for the owner of a vault: with it a machine that has recovered the vault makes its own
 * certificate, and may invite others, when every node that held the CA's key is gone (docs/PROTOCOL.md, "Recovery").
 */
import { randomBytes } from 'node:crypto';
import { hkdf } from '../../core/hashes.js';
import type { VaultId } from '../../core/ids.js';
import { idToBytes } from '../../core/ids.js';
import { SALT_BYTES } from '../../core/object.js';
import { openRecord, sealRecord } from '../../core/sealed-record.js';
import { type Authority, isPair } from '../../net/certificates.js';

/** @param masterKey the vault's. @returns base64 */
export function sealAuthority(
  masterKey: Uint8Array,
  vault: VaultId,
  { certificatePem, keyPem }: Authority,
): string {
  const key = authorityKey(masterKey, vault);
  try {
    return sealRecord(key, randomBytes(SALT_BYTES), { certificate: certificatePem, key: keyPem }).toString(
      'base64',
    );
  } finally {
    key.fill(0);
  }
}

/** @returns undefined when it was not sealed for this vault, or is no CA with its key */
export function openAuthority(masterKey: Uint8Array, vault: VaultId, sealed: string): Authority | undefined {
  const key = authorityKey(masterKey, vault);
  try {
    const fields = openRecord(key, Buffer.from(sealed, 'base64')) as ReadonlyMap<string, unknown>;
    const [certificatePem, keyPem] = [fields.get('certificate'), fields.get('key')];
    if (typeof certificatePem !== 'string' || typeof keyPem !== 'string') return undefined;
    return isPair(certificatePem, keyPem) ? { certificatePem, keyPem } : undefined;
  } catch {
    return undefined;
  } finally {
    key.fill(0);
  }
}

function authorityKey(masterKey: Uint8Array, vault: VaultId): Buffer {
  return hkdf(masterKey, idToBytes(vault), 'disktro/v1/authority', 32);
}
