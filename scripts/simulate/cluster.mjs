// What the simulated cluster is made of: chance that can be repeated, nodes with real ids, signed records, objects.
import { createCipheriv, createHash, generateKeyPairSync } from 'node:crypto';
import { signRecord, verifyRecord } from '../../dist/src/net/member-record.js';
import { nodeIdOf } from '../../dist/src/net/node-id.js';
import { BUCKETS, bucketOf } from '../../dist/src/net/placement.js';

const STREAM_BYTES = 1 << 16;
const MIB = 1024 * 1024;
const ID_BYTES = 32;

/** The same numbers for the same seed: the keystream of ChaCha20. */
export class Chance {
  #cipher;
  #bytes = Buffer.alloc(0);
  #offset = 0;

  constructor(seed) {
    this.#cipher = createCipheriv(
      'chacha20',
      createHash('sha256').update(String(seed)).digest(),
      Buffer.alloc(16),
    );
  }

  /** A view of the next bytes, good until the next call. */
  bytes(length) {
    if (this.#offset + length > this.#bytes.length) {
      this.#bytes = this.#cipher.update(Buffer.alloc(Math.max(STREAM_BYTES, length)));
      this.#offset = 0;
    }
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  /** In [0, 1). */
  number() {
    return this.bytes(4).readUInt32LE() / 2 ** 32;
  }

  shuffle(items) {
    for (let last = items.length - 1; last > 0; last--) {
      const other = Math.floor(this.number() * (last + 1));
      [items[last], items[other]] = [items[other], items[last]];
    }
    return items;
  }
}

/** Nodes for placement. `capacityOf` and `zoneOf` are given the node's number. */
export function makeNodes(chance, count, { capacityOf = () => 1, zoneOf = () => '' } = {}) {
  return Array.from({ length: count }, (_, number) => ({
    id: nodeIdOf(chance.bytes(44)),
    capacityBytes: capacityOf(number) * 2 ** 40,
    zone: zoneOf(number),
  }));
}

/** Streams objects with random ids, of 0.5 to 4 MiB and 1 MiB on average as the chunker cuts them, into buckets. */
export function fillBuckets(chance, objects) {
  const bytes = new Float64Array(BUCKETS);
  for (let object = 0; object < objects; object++) {
    const id = chance.bytes(ID_BYTES).toString('hex');
    bytes[bucketOf(id)] += Math.min(4 * MIB, (0.5 - 0.5 * Math.log(1 - chance.number())) * MIB);
  }
  return bytes;
}

/** In place of a certificate: this is about membership, not about X.509. */
const certificateOf = (spki) => createHash('sha256').update('simulated CA').update(spki).digest();

/** A member with a real key and a really signed record. */
export function makeMember(number) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const fields = {
    v: 1,
    id: nodeIdOf(spki),
    key: spki.toString('base64'),
    certificate: certificateOf(spki).toString('base64'),
    name: `node-${number}`,
    addresses: [`10.${number >> 16}.${(number >> 8) & 255}.${number & 255}:8081`],
    seq: 1,
    status: 'active',
    capacity: 2 ** 40,
    free: 2 ** 39,
    zone: '',
    version: '0.2.0',
  };
  return signRecord(fields, privateKey);
}

/**
 * Checks each record for real the first time it is seen in this process, signature included, and remembers the answer:
 * a thousand simulated nodes that each check a thousand records would take two minutes for the same result.
 */
export function rememberingVerifier() {
  const seen = new WeakMap();
  const isOfCluster = (certificate, spki) => certificateOf(spki).equals(certificate);
  const verifier = {
    signaturesChecked: 0,
    verifyRecord(record) {
      const known = seen.get(record);
      if (known) return known;
      verifier.signaturesChecked++;
      const check = verifyRecord(record, { isOfCluster });
      seen.set(record, check);
      if (check.record) seen.set(check.record, check);
      return check;
    },
    verifyRemoval: () => ({ refusal: 'nobody is removed here' }),
  };
  return verifier;
}
