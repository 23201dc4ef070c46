// Shows what a bucket is for: two machines and a bucket keep files, both machines are lost with everything on them, and a
// fresh one gets all of it back from the bucket. The bucket is one of a real engine, Ceph, which is started here. Ends with
// status 1 when anything is not as it should be.
//   node scripts/demo-bucket.mjs [--mib N]
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DemoMachine, expectEqual, patiently } from './demo/machine.mjs';
import { ensure, ensureCompanion, runMain } from './ensure.mjs';

const startedMs = performance.now();

function step(text) {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5);
  console.log(`\n${seconds} s  ${text}`);
}

function makeSample(path, mib) {
  const file = openSync(path, 'wx');
  for (let done = 0; done < mib; done++) writeSync(file, randomBytes(1 << 20));
  closeSync(file);
}

const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

async function startEngine() {
  step('A bucket on a real S3 engine: Ceph, started on loopback');
  const { Ceph } = await import('../dist/tests/store/ceph.js');
  const { TestBucket } = await import('../dist/tests/cluster/bucket.js');
  const ceph = await Ceph.start();
  const bucket = await TestBucket.make(ceph, 'my-files');
  Object.assign(process.env, ceph.environment);
  console.log(bucket.url);
  return { ceph, bucket };
}

async function joinTwo(folder, bucket) {
  step('Two machines, each with `disktro serve`; the bucket becomes the third member');
  const [desk, attic] = ['desk', 'attic'].map((name) => new DemoMachine(folder, name));
  for (const machine of [desk, attic]) await machine.serve();
  attic.run('peers', 'join', desk.run('peers', 'invite'));
  await patiently('both know each other', () => [desk, attic].every((machine) => machine.knownCount() === 2));
  desk.run('peers', 'add', bucket.url, '--name', 'cloud', '--zone', 'cloud');
  console.log(desk.run('peers'));
  return [desk, attic];
}

async function keep(desk, bucket, mib) {
  step(`desk stores a file of ${mib} MiB that nobody else has`);
  makeSample(desk.path('film.mkv'), mib);
  const result = JSON.parse(desk.run('--json', 'chunk', 'film.mkv'));
  console.log(
    `${result.chunks} chunks, ${result.copies.confirmed} copies of each, in ${result.seconds.toFixed(1)} s`,
  );
  expectEqual('copies that chunk says', result.copies.confirmed, 3);
  const there = await bucket.objects();
  expectEqual('objects missing in the bucket', [...desk.objects()].filter((id) => !there.has(id)).length, 0);
  console.log(`${there.size} objects in the bucket; the engine sees names and sizes, no contents`);
  return sha256(desk.path('film.mkv'));
}

async function loseBoth(folder, bucket, expected) {
  step('desk and attic are lost in the same second (kill -9), and everything on their disks');
  DemoMachine.endAll();
  for (const name of ['desk', 'attic']) rmSync(join(folder, name), { recursive: true, maxRetries: 3 });

  step('A fresh machine has the password and the URL of the bucket, and nothing else');
  const laptop = new DemoMachine(folder, 'laptop');
  laptop.run('recover', '--from', bucket.url);
  console.log(laptop.run('ls'));
  const result = JSON.parse(laptop.run('--json', 'reassemble', 'film.mkv'));
  console.log(
    `${result.fetchedFromPeers} of ${result.chunks} chunks from the bucket, in ${result.seconds.toFixed(1)} s`,
  );
  expectEqual('SHA-256 of the restored file', sha256(laptop.path('film.mkv')), expected);
  console.log(`SHA-256 as before: ${expected.slice(0, 16)}…`);

  step('Every object in the bucket is hashed');
  const wrong = await bucket.wrong();
  expectEqual('damaged objects', wrong.length, 0);
  console.log(`${(await bucket.objects()).size} objects, 0 damaged`);
}

async function main() {
  await ensure();
  ensureCompanion('ceph');
  const { values } = parseArgs({ options: { mib: { type: 'string', default: '200' } } });
  const folder = mkdtempSync(join(tmpdir(), 'disktro-demo-'));
  process.once('exit', () => {
    DemoMachine.endAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    process.once(signal, () => process.exit(status));
  const { ceph, bucket } = await startEngine();
  try {
    const [desk] = await joinTwo(folder, bucket);
    const expected = await keep(desk, bucket, Number(values.mib));
    await loseBoth(folder, bucket, expected);
    step('All as it should be; cleaning up');
  } finally {
    DemoMachine.endAll();
    bucket.close();
    await ceph.stop();
  }
}

await runMain(main);
