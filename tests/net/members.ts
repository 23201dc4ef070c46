/** Keys, records and a certificate authority for tests: really signed, with a stand-in for the certificate. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { NodeId } from '../../src/core/ids.js';
import { type MemberRecord, type SignedRecord, signRecord } from '../../src/net/member-record.js';
import { nodeIdOf } from '../../src/net/node-id.js';

export interface NodeKey {
  readonly id: NodeId;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly spki: Buffer;
}

/** The Ed25519 key whose seed is the SHA-256 of a name. */
export function keyOf(name: string): NodeKey {
  const seed = createHash('sha256').update(name).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { id: nodeIdOf(spki), privateKey, publicKey, spki };
}

const certificateOf = (spki: Uint8Array): Buffer => createHash('sha256').update('CA').update(spki).digest();

export const cluster = {
  isOfCluster: (certificate: Uint8Array, spki: Uint8Array): boolean =>
    certificateOf(spki).equals(certificate),
};

export function recordOf(key: NodeKey, fields: Partial<MemberRecord> = {}): MemberRecord {
  return {
    v: 1,
    id: key.id,
    key: key.spki.toString('base64'),
    certificate: certificateOf(key.spki).toString('base64'),
    name: 'laptop',
    addresses: ['192.168.1.7:8081'],
    seq: 1,
    status: 'active',
    capacity: 1000,
    free: 500,
    zone: '',
    version: '0.2.0',
    ...fields,
  };
}

export function signedRecordOf(name: string, fields: Partial<MemberRecord> = {}): SignedRecord {
  const key = keyOf(name);
  return signRecord(recordOf(key, fields), key.privateKey);
}
