// Damaged and deleted objects of a peer, and a peer whose disk is full. Sources: src/ops/copies/scrub.ts, repair.ts,
// replicate.ts, src/server/routes/objects.ts.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';

const skip = onWindows;

function flipBit(file: string): void {
  const bytes = readFileSync(file);
  const at = Math.floor(bytes.byteLength / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function isWhole(node: TestNode, id: string): boolean {
  try {
    const bytes = readFileSync(node.objectFile(id));
    return createHash('sha256').update(bytes).digest('hex') === id;
  } catch {
    // It is just being put aside, or is not back yet.
    return false;
  }
}

t.test('a peer whose objects are damaged', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t);
  const { first } = cluster;
  const peer = cluster.node(1);
  const bytes = sampleBytes('photos', 1_500_000);
  first.place.write('photos', bytes);
  const id = await first.did('chunk', 'photos');
  const all = [...first.objects()];

  await t.test('serving finds a flipped bit and a deleted file; the reader is not misled', async (t) => {
    const [flipped = '', deleted = ''] = all;
    flipBit(peer.objectFile(flipped));
    rmSync(peer.objectFile(deleted));
    await cluster.node(2).kill();
    for (const object of all.slice(2)) rmSync(first.objectFile(object));
    await first.kill();
    const back = await first.run('reassemble', id, '-o', 'back');
    t.equal(back.status, 0, back.stderr);
    t.ok(first.place.read('back').equals(bytes));
    await Promise.all([first.serve(), cluster.node(2).serve()]);
    await first.did('peers', 'ping');
  });

  await t.test('a look at the disk at start finds what is gone, and it comes back', async (t) => {
    const [, , deleted = ''] = all;
    await peer.kill();
    rmSync(peer.objectFile(deleted), { force: true });
    await peer.serve();
    await cluster.until('the deleted one is back', () => isWhole(peer, deleted), 45_000);
    t.match(peer.log, /objects are gone from the disk here/);
  });

  await t.test('scrub finds a flipped bit, puts the object aside and fetches it again', async (t) => {
    const flipped = all[3] ?? '';
    flipBit(peer.objectFile(flipped));
    await peer.end('SIGTERM');
    await peer.serve();
    await cluster.until('it is whole again', () => isWhole(peer, flipped), 45_000);
    t.ok(existsSync(join(peer.place.home, 'quarantine', flipped)));
    t.match(peer.log, new RegExp(`${flipped} is damaged here`));
  });
});

t.test('a peer that is full is passed over for the next in rank', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t, {
    nodes: 4,
    setup: (index) => (index === 1 ? { env: { DISKTRO_QUOTA: '300000' } } : {}),
  });
  const { first } = cluster;
  const bytes = sampleBytes('photos', 2_000_000);
  first.place.write('photos', bytes);
  const { status, stdout, stderr } = await first.run('--json', 'chunk', 'photos');
  t.equal(status, 0, stderr);
  t.match(oneJson(stdout), { copies: { wanted: 3, confirmed: 3 }, degraded: false });
  const ids = [...first.objects()];
  const copies = cluster.copies();
  t.same(
    ids.filter((id) => (copies.get(id) ?? 0) < 3),
    [],
  );
  t.ok(cluster.node(1).objects().size < 10, 'the full one holds what it has room for');
});
