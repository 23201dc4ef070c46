/**
 * What a node says of itself and what the cluster says of a removed one, signed (docs/PROTOCOL.md, "Member records").
 * A record that passes here comes from the node it names; whether it is newer than another one is not asked here.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { NodeId } from '../core/ids.js';
import { canonicalJson, signJson, verifyJson } from './canonical-json.js';
import { isNodeId, nodeIdOf } from './node-id.js';

export type RecordStatus = 'active' | 'draining' | 'left';

/** Members behind which no process runs: nodes speak to the store themselves. */
export type StaticKind = 'bucket' | 'folder';

/** As on the wire, hence the snake_case. Fields of later versions are kept: the signature is over them too. */
export interface MemberRecord {
  readonly v: 1;
  readonly id: NodeId;
  /** Ed25519, SPKI DER in base64. */
  readonly key: string;
  /** DER in base64. */
  readonly certificate: string;
  readonly name: string;
  /** Up to 8 of `host:port`. */
  readonly addresses: readonly string[];
  /** Grows with each change of the record. */
  readonly seq: number;
  readonly status: RecordStatus;
  /** In bytes, as `free`. */
  readonly capacity: number;
  readonly free: number;
  readonly zone: string;
  readonly version: string;
  /** Absent: a node. */
  readonly kind?: StaticKind;
  /** Of a static member: its URL, without keys. */
  readonly store?: string;
  /** Of a static member: 16 random bytes in hex, from which its key is made (docs/PROTOCOL.md, "Static members"). */
  readonly nonce?: string;
  /** Of a static member: `mirror` holds everything, beside the copies that placement asks for. */
  readonly role?: 'mirror';
  /** Of a node: the static members that it can use. */
  readonly stores?: readonly NodeId[];
}

export interface SignedRecord extends MemberRecord {
  /** Ed25519 by the node's key, base64. */
  readonly signature: string;
}

export interface Removal {
  readonly v: 1;
  readonly id: NodeId;
  readonly removed_ms: number;
}

export interface SignedRemoval extends Removal {
  /** Ed25519 by the CA's key, base64. */
  readonly signature: string;
}

/** The record, or why it is refused. */
export type RecordCheck = { readonly record: SignedRecord } | { readonly refusal: string };
/** The removal, or why it is refused. */
export type RemovalCheck = { readonly removal: SignedRemoval } | { readonly refusal: string };

/** What a check of certificates is asked: is this certificate of the cluster's CA, and for this key? */
export interface ClusterCheck {
  isOfCluster(certificateDer: Uint8Array, spkiDer: Uint8Array): boolean;
}

export const MAX_ADDRESSES = 8;
const MAX_RECORD_BYTES = 8192;
const MAX_ADDRESS_LENGTH = 300;
const MAX_NODE_NAME_LENGTH = 200;
const MAX_ZONE_LENGTH = 100;
const MAX_VERSION_LENGTH = 50;
const MAX_CERTIFICATE_LENGTH = 4096;
const MAX_PORT = 65_535;
const MAX_STORE_LENGTH = 1024;
const MAX_STORES = 64;
const NONCE = /^[0-9a-f]{32}$/;
const STATUSES: readonly unknown[] = ['active', 'draining', 'left'] satisfies RecordStatus[];
const ADDRESS = /^(?:\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\]|[A-Za-z0-9._-]+):([1-9][0-9]{0,4})$/;
const CONTROL = /\p{Cc}/u;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

type Fields = Readonly<Record<string, unknown>>;

/** Signs what this node says of itself. */
export function signRecord(record: MemberRecord, privateKey: KeyObject): SignedRecord {
  return { ...record, signature: signJson('member', record, privateKey) };
}

/**
 * Checks a record from the network: its form, that `id` is that of `key`, the certificate and the signature.
 * Never throws for what it is given. The record that comes back is a copy.
 */
export function verifyRecord(json: unknown, cluster: ClusterCheck): RecordCheck {
  const copy = copyOf(json);
  if (typeof copy === 'string') return { refusal: copy };
  const wrong = Object.entries(RECORD_FIELDS).find(([field, isGood]) => !isGood(copy[field]));
  if (wrong) return { refusal: `${wrong[0]} is not as it should be` };
  const record = copy as unknown as SignedRecord;
  const spki = Buffer.from(record.key, 'base64');
  if (nodeIdOf(spki) !== record.id) return { refusal: 'id is not that of key' };
  const publicKey = readPublicKey(spki);
  if (publicKey === undefined) return { refusal: 'key is not an Ed25519 key' };
  if (!isSigned('member', record, publicKey)) return { refusal: 'signature does not fit' };
  if (!cluster.isOfCluster(Buffer.from(record.certificate, 'base64'), spki)) {
    return { refusal: 'certificate is not of this cluster and key' };
  }
  return { record };
}

/** Signs the removal of a node with the CA's key. */
export function signRemoval(removal: Removal, caPrivateKey: KeyObject): SignedRemoval {
  return { ...removal, signature: signJson('removal', removal, caPrivateKey) };
}

/** Checks a removal from the network against the CA's key. Never throws for what it is given. */
export function verifyRemoval(json: unknown, caPublicKey: KeyObject): RemovalCheck {
  const copy = copyOf(json);
  if (typeof copy === 'string') return { refusal: copy };
  const wrong = Object.entries(REMOVAL_FIELDS).find(([field, isGood]) => !isGood(copy[field]));
  if (wrong) return { refusal: `${wrong[0]} is not as it should be` };
  const removal = copy as unknown as SignedRemoval;
  return isSigned('removal', removal, caPublicKey) ? { removal } : { refusal: 'signature does not fit' };
}

/** True if `json`, which may be unchecked, says the same as the record; how each is signed does not matter. */
export function isSameRecord(json: unknown, record: SignedRecord): boolean {
  const copy = copyOf(json);
  return typeof copy !== 'string' && unsignedText(copy as unknown as SignedRecord) === unsignedText(record);
}

/** What the signature is over, without its purpose: orders two records that should have been one. */
export function unsignedText({ signature, ...unsigned }: SignedRecord): string {
  return canonicalJson(unsigned);
}

const isText =
  (mostLength: number, leastLength = 0) =>
  (value: unknown): boolean =>
    typeof value === 'string' &&
    value.length >= leastLength &&
    value.length <= mostLength &&
    !CONTROL.test(value);

const isInteger =
  (least: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least;

/** Only the one spelling of each: a second one would be a second record with the same meaning. */
const isBase64 =
  (mostLength: number) =>
  (value: unknown): boolean =>
    typeof value === 'string' &&
    value.length <= mostLength &&
    BASE64.test(value) &&
    Buffer.from(value, 'base64').toString('base64') === value;

function isAddress(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MAX_ADDRESS_LENGTH) return false;
  const port = ADDRESS.exec(value)?.[1];
  return port !== undefined && Number(port) <= MAX_PORT;
}

const isVersion1 = (value: unknown): boolean => value === 1;
const isId = (value: unknown): boolean => typeof value === 'string' && isNodeId(value);

const optional =
  (isGood: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || isGood(value);

const RECORD_FIELDS: Readonly<Record<keyof SignedRecord, (value: unknown) => boolean>> = {
  v: isVersion1,
  id: isId,
  key: isBase64(100),
  certificate: isBase64(MAX_CERTIFICATE_LENGTH),
  name: isText(MAX_NODE_NAME_LENGTH, 1),
  addresses: (value) => Array.isArray(value) && value.length <= MAX_ADDRESSES && value.every(isAddress),
  seq: isInteger(1),
  status: (value) => STATUSES.includes(value),
  capacity: isInteger(0),
  free: isInteger(0),
  zone: isText(MAX_ZONE_LENGTH),
  version: isText(MAX_VERSION_LENGTH),
  kind: optional((value) => value === 'bucket' || value === 'folder'),
  store: optional(isText(MAX_STORE_LENGTH, 1)),
  nonce: optional((value) => typeof value === 'string' && NONCE.test(value)),
  role: optional((value) => value === 'mirror'),
  stores: optional((value) => Array.isArray(value) && value.length <= MAX_STORES && value.every(isId)),
  signature: isBase64(88),
};

const REMOVAL_FIELDS: Readonly<Record<keyof SignedRemoval, (value: unknown) => boolean>> = {
  v: isVersion1,
  id: isId,
  removed_ms: isInteger(0),
  signature: isBase64(88),
};

/** A plain copy, or why there is none: whatever getters, prototypes or depths came, what goes on is JSON. */
function copyOf(json: unknown): Fields | string {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return 'not an object';
  try {
    const text = canonicalJson(json);
    if (Buffer.byteLength(text) > MAX_RECORD_BYTES) return `longer than ${MAX_RECORD_BYTES} bytes`;
    return JSON.parse(text) as Fields;
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

function isSigned(
  purpose: string,
  { signature, ...unsigned }: SignedRecord | SignedRemoval,
  key: KeyObject,
): boolean {
  return verifyJson(purpose, unsigned, key, signature);
}

function readPublicKey(spki: Buffer): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
