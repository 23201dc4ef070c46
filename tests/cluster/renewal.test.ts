// Certificates end: who is up has a new one in time, who could get none says so, and who was away for too long comes back
// by an invite. Sources: src/server/certificate-renewal.ts, src/ops/cluster/join.ts, join-cluster.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  createCertificateRequest,
  NODE_CERTIFICATE_MS,
  parseCertificate,
  signCertificateRequest,
} from '../../src/net/certificates.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const skip = onWindows;

const fileOf = (node: TestNode, name: string): string => join(node.home, 'node', name);
const readOf = (node: TestNode, name: string): string => readFileSync(fileOf(node, name), 'utf8');

function daysLeft(node: TestNode): number {
  return (parseCertificate(readOf(node, 'certificate.pem')).notAfterMs - Date.now()) / DAY_MS;
}

/** What its certificate would be had it got it so long ago that it has `days` left. */
async function age(node: TestNode, founder: TestNode, days: number): Promise<void> {
  const request = await createCertificateRequest(readOf(node, 'key.pem'));
  const authority = { certificatePem: readOf(founder, 'ca.pem'), keyPem: readOf(founder, 'ca-key.pem') };
  const givenMs = Date.now() + days * DAY_MS - NODE_CERTIFICATE_MS;
  const { certificatePem } = await signCertificateRequest(request, authority, givenMs);
  writeFileSync(fileOf(node, 'certificate.pem'), certificatePem);
}

t.test('certificates that come to their end', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t);
  const { first } = cluster;
  const [second, third] = [cluster.node(1), cluster.node(2)];
  const stopAll = () => Promise.all(cluster.up.map((node) => node.stop()));

  await t.test('59 days before it all have new ones, the one with the cluster key too', async (t) => {
    await stopAll();
    for (const node of cluster.nodes) await age(node, first, 59);
    await Promise.all(cluster.nodes.map((node) => node.serve()));
    await cluster.until('all have new certificates', () =>
      cluster.nodes.every((node) => daysLeft(node) > 390),
    );
    await first.sees(3);
    first.place.write('photos', sampleBytes('renewed', 300_000));
    await first.did('chunk', 'photos');
    for (const node of cluster.nodes) t.match(node.log, 'this node has a new certificate');
  });

  await t.test('61 days before it is kept', async (t) => {
    await stopAll();
    await age(second, first, 61);
    await Promise.all(cluster.nodes.map((node) => node.serve()));
    await second.sees(3);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    t.ok(daysLeft(second) < 62);
  });

  await t.test('when nobody can renew it, that is said once, and what to do', async (t) => {
    await stopAll();
    await age(second, first, 20.5);
    await Promise.all([second.serve(), third.serve()]);
    const warning = /expires in 20 days, and nobody in reach can renew it: start `disktro serve` on/g;
    await cluster.until('it warns', () => warning.test(second.log));
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    t.equal(second.log.match(warning)?.length, 1);
    await first.serve();
    await cluster.until('it has a new one', () => daysLeft(second) > 390);
  });

  await t.test(
    'one that has expired is refused by the others, says so, and comes back by an invite',
    async (t) => {
      await stopAll();
      await age(third, first, -3);
      await Promise.all(cluster.nodes.map((node) => node.serve()));
      await cluster.until('it says so', () => /has expired, and the others refuse it/.test(third.log));
      t.ok(daysLeft(third) < 0, 'an expired certificate renews nothing');
      const ping = await third.run('peers', 'ping', first.id);
      t.not(ping.status, 0);
      t.match(ping.stderr, /certificate|expired/, ping.stderr);

      const elsewhere = await cluster.make();
      await elsewhere.serve();
      const foreign = await third.run('peers', 'join', await elsewhere.did('peers', 'invite'));
      t.equal(foreign.status, 2, 'it stays a node of its cluster');
      await elsewhere.stop();

      const { id } = third;
      await cluster.join(third);
      await first.sees(3);
      t.equal(third.id, id);
      t.ok(daysLeft(third) > 390);
      t.equal(
        (await second.run('peers', 'join', await first.did('peers', 'invite'))).status,
        2,
        'no one else joins twice',
      );
    },
  );
});
