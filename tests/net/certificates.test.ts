// Certificates of nodes: who is of the cluster and who is not. Sources: src/net/certificates.ts, src/net/node-id.ts.
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import t from 'tap';
import {
  authorityFingerprint,
  certificateToDer,
  certificateToPem,
  createAuthority,
  createCertificateRequest,
  createNodeKey,
  isOfCluster,
  NODE_CERTIFICATE_MS,
  nodeKeyFromPem,
  parseCertificate,
  refusalOfCertificate,
  signCertificateRequest,
} from '../../src/net/certificates.js';
import { isNodeId, nodeIdOf } from '../../src/net/node-id.js';
import { testCluster } from './cluster.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const now = Date.UTC(2030, 0, 15, 12);

t.test('a signed request becomes a certificate of its key for 397 days', async (t) => {
  const authority = await createAuthority(now);
  const { keyPem, spkiDer, nodeId } = createNodeKey();
  const signed = await signCertificateRequest(await createCertificateRequest(keyPem), authority, now);
  t.equal(signed.nodeId, nodeId);
  t.ok(isNodeId(nodeId) && nodeId.length === 52);
  const facts = parseCertificate(signed.certificatePem);
  t.equal(facts.nodeId, nodeId);
  t.ok(facts.spkiDer.equals(spkiDer));
  t.equal(facts.notBeforeMs, now - HOUR_MS);
  t.equal(facts.notAfterMs, now + NODE_CERTIFICATE_MS);
  const certificate = new X509Certificate(signed.certificatePem);
  t.equal(certificate.subject, `CN=${nodeId}`);
  t.equal(certificate.ca, false);
  t.same(parseCertificate(certificateToDer(signed.certificatePem)), facts, 'DER and PEM say the same');
  t.equal(certificateToPem(certificate.raw).trim(), signed.certificatePem.trim());
  const again = await signCertificateRequest(await createCertificateRequest(keyPem), authority, now);
  t.not(new X509Certificate(again.certificatePem).serialNumber, certificate.serialNumber);
});

t.test('the CA is self-signed, for 50 years, and known by its fingerprint', async (t) => {
  const { certificatePem, keyPem } = await createAuthority(now);
  const ca = new X509Certificate(certificatePem);
  t.ok(ca.ca && ca.checkIssued(ca) && ca.verify(ca.publicKey));
  t.equal(parseCertificate(certificatePem).nodeId, nodeKeyFromPem(keyPem).nodeId);
  t.equal(new Date(parseCertificate(certificatePem).notAfterMs).getUTCFullYear(), 2080);
  const expected = ca.fingerprint256.replaceAll(':', '').toLowerCase();
  t.equal(authorityFingerprint(certificatePem), expected);
  t.equal(authorityFingerprint(ca.raw), expected);
});

t.test('takes a certificate until ten minutes after its end, and none before its beginning', async (t) => {
  const authority = await createAuthority(now);
  const request = await createCertificateRequest(createNodeKey().keyPem);
  const { certificatePem } = await signCertificateRequest(request, authority, now);
  const end = now + NODE_CERTIFICATE_MS;
  const table = [
    [now - HOUR_MS - 1000, false],
    [now - HOUR_MS, true],
    [now - 9 * MINUTE_MS, true],
    [end, true],
    [end + 9 * MINUTE_MS, true],
    [end + 10 * MINUTE_MS, true],
    [end + 10 * MINUTE_MS + 1, false],
    [end + 11 * MINUTE_MS, false],
  ] as const;
  for (const [at, isTaken] of table) {
    t.equal(isOfCluster(certificatePem, authority.certificatePem, at), isTaken, new Date(at).toISOString());
  }
  t.match(
    refusalOfCertificate(certificatePem, authority.certificatePem, end + HOUR_MS),
    /has expired on 2031/,
  );
});

t.test('refuses what is not a certificate of this cluster', async (t) => {
  const [cluster, other] = [await testCluster(), await testCluster()];
  const ca = cluster.authority.certificatePem;
  const { credentials } = await cluster.addNode();
  const at = Date.now();
  t.equal(isOfCluster(credentials.certificatePem, ca, at), true, 'to begin with');
  const foreign = (await other.addNode()).credentials.certificatePem;
  t.match(refusalOfCertificate(foreign, ca, at), /not signed by the CA/);
  t.match(refusalOfCertificate(ca, ca, at), /of a CA/);
  t.match(refusalOfCertificate('', ca, at), /cannot be read/);
  t.match(
    refusalOfCertificate('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', ca, at),
    /read/,
  );
  t.match(refusalOfCertificate(Buffer.alloc(9000, 0x30), ca, at), /cannot be read/);
  t.match(refusalOfCertificate(credentials.certificatePem, credentials.certificatePem, at), /not signed/);
  const der = certificateToDer(credentials.certificatePem);
  for (const index of [4, 20, der.length >> 1, der.length - 1]) {
    const changed = Buffer.from(der);
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
    t.equal(isOfCluster(changed, ca, at), false, `with a bit of byte ${index} changed`);
  }
});

t.test('a node cannot sign certificates', async (t) => {
  const cluster = await testCluster();
  const { credentials } = await cluster.addNode();
  const pretender = { keyPem: credentials.keyPem, certificatePem: credentials.certificatePem };
  const request = await createCertificateRequest(createNodeKey().keyPem);
  const { certificatePem } = await signCertificateRequest(request, pretender, Date.now());
  t.equal(isOfCluster(certificatePem, cluster.authority.certificatePem, Date.now()), false);
  t.equal(isOfCluster(certificatePem, credentials.certificatePem, Date.now()), false);
});

t.test('signs only requests that are whole and signed by their own key', async (t) => {
  const authority = await createAuthority(now);
  const pem = await createCertificateRequest(createNodeKey().keyPem);
  const der = Buffer.from(pem.replaceAll(/-----.*?-----|\s/g, ''), 'base64');
  const asPem = (bytes: Buffer): string =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
  await signCertificateRequest(asPem(der), authority, now);
  const refuses = async (text: string, title: string): Promise<void> => {
    await t.rejects(signCertificateRequest(text, authority, now), { code: 'E_PEER_REFUSED' }, title);
  };
  for (const index of [30, der.length - 1]) {
    const changed = Buffer.from(der);
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
    await refuses(asPem(changed), `with a bit of byte ${index} changed`);
  }
  await refuses('', 'nothing');
  await refuses('hello', 'no PEM');
  await refuses(asPem(der.subarray(0, 50)), 'cut off');
  await refuses('A'.repeat(10_000), 'too long');
});

t.test('node keys are read back, other text is not', async (t) => {
  const key = createNodeKey();
  t.same(nodeKeyFromPem(key.keyPem), key);
  t.equal(nodeIdOf(key.spkiDer), key.nodeId);
  t.throws(() => nodeKeyFromPem('no key'), { code: 'E_PEER_REFUSED' });
  const { publicKey } = generateKeyPairSync('ed25519');
  t.throws(() => nodeKeyFromPem(publicKey.export({ type: 'spki', format: 'pem' }) as string), {
    code: 'E_PEER_REFUSED',
  });
  t.throws(() => parseCertificate('no certificate'), { code: 'E_PEER_REFUSED' });
});
