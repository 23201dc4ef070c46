/**
 * Certificates of the nodes and of their cluster's CA: makes them, reads them, says whether one is of the cluster.
 * Reading and checking are synchronous and done by node:crypto; @peculiar/x509 takes 100 ms to load, so only what
 * makes a certificate loads it. Touches no file and no clock. docs/PROTOCOL.md, "Identity".
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto';
import { sha256Hex } from '../core/hashes.js';
import type { NodeId } from '../core/ids.js';
import { DisktroError } from '../errors.js';
import { nodeIdOf, shortNodeId } from './node-id.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const NODE_CERTIFICATE_MS = 397 * DAY_MS;
/** Of a static member: nobody runs there who could renew it, and its key is made anew from the CA's when needed. */
export const STATIC_CERTIFICATE_MS = 40 * 365 * DAY_MS;
const AUTHORITY_CERTIFICATE_MS = 50 * 365.25 * DAY_MS;
/** Certificates begin this long before they are made: the other side's clock may be behind. */
const CERTIFICATE_BACKDATE_MS = HOUR_MS;
/** How long after its end a certificate is still taken: the other side's clock may be behind. */
export const CLOCK_SLACK_MS = 10 * 60_000;
/** Of a certificate or request in any encoding; ours take less than 1 KiB. */
const MAX_CERTIFICATE_BYTES = 8192;

/** Who a node is, as PEM texts: its private key (PKCS #8), its certificate, and the certificate of its CA. */
export interface Credentials {
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
}

/** The cluster's CA with its private key. */
export interface Authority {
  readonly keyPem: string;
  readonly certificatePem: string;
}

export interface NodeKey {
  /** PKCS #8. */
  readonly keyPem: string;
  readonly spkiDer: Buffer;
  readonly nodeId: NodeId;
}

export interface CertificateFacts {
  /** Of the key in the certificate, whatever its subject says. */
  readonly nodeId: NodeId;
  readonly spkiDer: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const broken = (what: string, cause?: unknown): DisktroError =>
  new DisktroError('E_PEER_REFUSED', what, { cause });

/** A new Ed25519 key. */
export function createNodeKey(): NodeKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return nodeKeyFromPem(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
}

/** @throws E_PEER_REFUSED when the text is no private key */
export function nodeKeyFromPem(keyPem: string): NodeKey {
  try {
    const spkiDer = createPublicKey(createPrivateKey(keyPem)).export({ type: 'spki', format: 'der' });
    return { keyPem, spkiDer, nodeId: nodeIdOf(spkiDer) };
  } catch (error) {
    throw broken('node key: expected a private key in PKCS #8, found something else', error);
  }
}

/** A new cluster's CA: Ed25519, self-signed, valid for 50 years. */
export async function createAuthority(nowMs: number): Promise<Authority> {
  const x509 = await loadX509();
  const { keyPem } = createNodeKey();
  const keys = await importKeys(keyPem);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=disktro cluster ${randomBytes(4).toString('hex')}`,
      serialNumber: randomSerial(),
      keys,
      signingAlgorithm: { name: 'Ed25519' },
      notBefore: new Date(nowMs - CERTIFICATE_BACKDATE_MS),
      notAfter: new Date(nowMs + AUTHORITY_CERTIFICATE_MS),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { keyPem, certificatePem: certificate.toString('pem') };
}

/** A certificate request (PKCS #10, PEM) for this key, signed by it. */
export async function createCertificateRequest(keyPem: string): Promise<string> {
  const x509 = await loadX509();
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: `CN=${nodeKeyFromPem(keyPem).nodeId}`,
      keys: await importKeys(keyPem),
      signingAlgorithm: { name: 'Ed25519' },
    },
    webcrypto,
  );
  return request.toString('pem');
}

/**
 * Signs a certificate request: 397 days from `nowMs`, begun an hour before. Nothing of the request is taken over but
 * its key, and that only when the request is signed by it; the subject is the key's node id.
 * @throws E_PEER_REFUSED when the request is broken, not for an Ed25519 key, or not signed by it
 */
export async function signCertificateRequest(
  requestPem: string,
  authority: Authority,
  nowMs: number,
  validMs = NODE_CERTIFICATE_MS,
): Promise<{ readonly certificatePem: string; readonly nodeId: NodeId }> {
  const x509 = await loadX509();
  const publicKey = await verifiedKeyOf(requestPem);
  const nodeId = nodeIdOf(new Uint8Array(publicKey.rawData));
  const ca = new x509.X509Certificate(authority.certificatePem);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${nodeId}`,
      issuer: ca.subjectName,
      serialNumber: randomSerial(),
      publicKey,
      signingKey: (await importKeys(authority.keyPem)).privateKey,
      signingAlgorithm: { name: 'Ed25519' },
      notBefore: new Date(nowMs - CERTIFICATE_BACKDATE_MS),
      notAfter: new Date(nowMs + validMs),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificatePem: certificate.toString('pem'), nodeId };
}

/**
 * Reads a certificate, PEM or DER, without judging it.
 * @throws E_PEER_REFUSED when it is none
 */
export function parseCertificate(certificate: Uint8Array | string): CertificateFacts {
  return factsOf(readCertificate(certificate));
}

/** Whether the certificate is a node's, signed by this CA, and in time with {@link CLOCK_SLACK_MS} at its end. Never throws. */
export function isOfCluster(
  certificate: Uint8Array | string,
  ca: Uint8Array | string,
  nowMs: number,
): boolean {
  return refusalOfCertificate(certificate, ca, nowMs) === undefined;
}

/** Why {@link isOfCluster} is false, in words; undefined when it is true. */
export function refusalOfCertificate(
  certificate: Uint8Array | string,
  ca: Uint8Array | string,
  nowMs: number,
): string | undefined {
  try {
    const [leaf, authority] = [readCertificate(certificate), readCertificate(ca)];
    if (!authority.ca || !leaf.checkIssued(authority) || !leaf.verify(authority.publicKey))
      return 'is not signed by the CA of this cluster';
    if (leaf.ca) return 'is that of a CA, not of a node';
    const facts = factsOf(leaf);
    if (leaf.subject !== `CN=${facts.nodeId}`) return 'names another node than its key does';
    return refusalOfTime(facts, nowMs);
  } catch {
    return 'cannot be read';
  }
}

/** The part of {@link refusalOfCertificate} that changes as time goes on. */
export function refusalOfTime(
  { notBeforeMs, notAfterMs }: Pick<CertificateFacts, 'notBeforeMs' | 'notAfterMs'>,
  nowMs: number,
): string | undefined {
  if (nowMs < notBeforeMs) return `is valid only from ${new Date(notBeforeMs).toISOString()} on`;
  if (nowMs > notAfterMs + CLOCK_SLACK_MS) return `has expired on ${new Date(notAfterMs).toISOString()}`;
  return undefined;
}

/** Whether a private key is that of a certificate. Never throws. */
export function isPair(certificatePem: string, keyPem: string): boolean {
  try {
    const publicKey = createPublicKey(createPrivateKey(keyPem));
    return readCertificate(certificatePem).publicKey.equals(publicKey);
  } catch {
    return false;
  }
}

/** SHA-256 of the CA's certificate (DER): 64 lower-case hex digits, as they stand in an invite. */
export function authorityFingerprint(ca: Uint8Array | string): string {
  return sha256Hex(readCertificate(ca).raw);
}

/** A certificate as PEM. @throws E_PEER_REFUSED when it is none */
export function certificateToPem(certificate: Uint8Array | string): string {
  return readCertificate(certificate).toString();
}

/** A certificate as DER. @throws E_PEER_REFUSED when it is none */
export function certificateToDer(certificate: Uint8Array | string): Buffer {
  return readCertificate(certificate).raw;
}

function readCertificate(certificate: Uint8Array | string): X509Certificate {
  if (certificate.length > MAX_CERTIFICATE_BYTES) {
    throw broken(`certificate: expected at most ${MAX_CERTIFICATE_BYTES} bytes, found ${certificate.length}`);
  }
  try {
    return new X509Certificate(certificate);
  } catch (error) {
    throw broken('certificate: expected X.509, found something else', error);
  }
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  const spkiDer = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const notBeforeMs = Date.parse(certificate.validFrom);
  const notAfterMs = Date.parse(certificate.validTo);
  if (Number.isNaN(notBeforeMs) || Number.isNaN(notAfterMs)) {
    throw broken(`${shortNodeId(nodeIdOf(spkiDer))}: a certificate without readable times`);
  }
  return { nodeId: nodeIdOf(spkiDer), spkiDer, notBeforeMs, notAfterMs };
}

async function verifiedKeyOf(requestPem: string) {
  const x509 = await loadX509();
  if (requestPem.length > MAX_CERTIFICATE_BYTES) throw broken('certificate request: too long');
  try {
    const request = new x509.Pkcs10CertificateRequest(requestPem);
    if (request.publicKey.algorithm.name !== 'Ed25519')
      throw new Error(`a key of kind ${request.publicKey.algorithm.name}`);
    if (!(await request.verify(webcrypto))) throw new Error('a signature that does not fit');
    return request.publicKey;
  } catch (error) {
    throw broken('certificate request: expected one for an Ed25519 key, signed by that key', error);
  }
}

async function loadX509() {
  // Its decorators need this polyfill to be there first.
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

async function importKeys(keyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = createPrivateKey(keyPem);
  const [pkcs8, spki] = [
    privateKey.export({ type: 'pkcs8', format: 'der' }),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
  ];
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, 'Ed25519', true, ['verify']),
  };
}

/** 16 random bytes with the first bit clear, so that it is positive as X.509 wants it. */
function randomSerial(): string {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial.toString('hex');
}
