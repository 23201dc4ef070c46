/**
 * The record of a bucket or folder as a member (docs/PROTOCOL.md, "Static members"): its key is made from the CA's key and
 * a nonce, so that every machine that holds the CA's key can change the record, and nothing has to be kept for it.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { hkdf } from '../../core/hashes.js';
import { privateKeyOfSeed, SEED_BYTES } from '../../core/seed-key.js';
import type { Authority } from '../../net/certificates.js';
import {
  certificateToDer,
  createCertificateRequest,
  STATIC_CERTIFICATE_MS,
  signCertificateRequest,
} from '../../net/certificates.js';
import type { MemberRecord, SignedRecord, StaticKind } from '../../net/member-record.js';
import { signRecord } from '../../net/member-record.js';
import { nodeIdOf } from '../../net/node-id.js';

export interface StaticMember {
  readonly kind: StaticKind;
  /** The URL, without keys. */
  readonly store: string;
  readonly name: string;
  readonly zone: string;
  readonly capacityBytes: number;
  readonly role: 'mirror' | 'share';
  readonly version: string;
}

export const NONCE_BYTES = 16;

/** The first record of a new static member. @param nonce 16 random bytes */
export async function makeStaticRecord(
  member: StaticMember,
  authority: Authority,
  nonce: Uint8Array,
  nowMs: number,
): Promise<SignedRecord> {
  const key = keyOf(authority.keyPem, nonce);
  const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const request = await createCertificateRequest(keyPem);
  const { certificatePem } = await signCertificateRequest(request, authority, nowMs, STATIC_CERTIFICATE_MS);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const record: MemberRecord = {
    v: 1,
    id: nodeIdOf(spki),
    key: spki.toString('base64'),
    certificate: certificateToDer(certificatePem).toString('base64'),
    name: member.name,
    addresses: [],
    seq: 1,
    status: 'active',
    capacity: member.capacityBytes,
    free: member.capacityBytes,
    zone: member.zone,
    version: member.version,
    kind: member.kind,
    store: member.store,
    nonce: Buffer.from(nonce).toString('hex'),
    ...(member.role === 'mirror' ? { role: 'mirror' as const } : {}),
  };
  return signRecord(record, key);
}

/** The same member with some fields changed, signed anew. */
export function changedStaticRecord(
  { signature: _, ...record }: SignedRecord,
  change: Partial<Pick<MemberRecord, 'status' | 'capacity' | 'free' | 'name' | 'zone' | 'store'>>,
  caKeyPem: string,
): SignedRecord {
  const key = keyOf(caKeyPem, Buffer.from(record.nonce ?? '', 'hex'));
  return signRecord({ ...record, ...change, seq: record.seq + 1 }, key);
}

/** HKDF-SHA256 of the CA's private key (PKCS #8, DER), the nonce being the salt. */
function keyOf(caKeyPem: string, nonce: Uint8Array) {
  const material = createPrivateKey(caKeyPem).export({ type: 'pkcs8', format: 'der' });
  const seed = hkdf(material, nonce, 'disktro/v1/holder', SEED_BYTES);
  try {
    return privateKeyOfSeed(seed);
  } finally {
    seed.fill(0);
    material.fill(0);
  }
}
