// Shows what a bucket is for: two machines and a bucket keep files, both machines are lost with everything on them, and a
// fresh one gets all of it back from the bucket. The bucket is one of a real engine, Ceph, which is started here. Ends with
// status 1 when anything is not as it should be.
//   node scripts/demo-bucket.mjs [--mib N]
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DemoMachine, expectEqual, patiently } from './demo/machine.mjs';
import { beginStory, restoreSample, step, storeSample } from './demo/story.mjs';
import { ensure, ensureCompanion, runMain } from './ensure.mjs';

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
  const stored = storeSample(desk, mib);
  const there = await bucket.objects();
  expectEqual('objects missing in the bucket', [...stored.objects].filter((id) => !there.has(id)).length, 0);
  console.log(`${there.size} objects in the bucket; the engine sees names and sizes, no contents`);
  return stored;
}

async function loseBoth(folder, bucket, stored) {
  step('desk and attic are lost in the same second (kill -9), and everything on their disks');
  DemoMachine.endAll();
  for (const name of ['desk', 'attic']) rmSync(join(folder, name), { recursive: true, maxRetries: 3 });

  step('A fresh machine has the password and the URL of the bucket, and nothing else');
  const laptop = new DemoMachine(folder, 'laptop');
  laptop.run('recover', '--from', bucket.url);
  console.log(laptop.run('ls'));
  restoreSample(laptop, stored, 'the bucket');

  step('Every object in the bucket is hashed');
  const wrong = await bucket.wrong();
  expectEqual('damaged objects', wrong.length, 0);
  console.log(`${(await bucket.objects()).size} objects, 0 damaged`);
}

async function main() {
  await ensure();
  ensureCompanion('ceph');
  const { folder, mib } = beginStory();
  const { ceph, bucket } = await startEngine();
  try {
    const [desk] = await joinTwo(folder, bucket);
    const stored = await keep(desk, bucket, mib);
    await loseBoth(folder, bucket, stored);
    step('All as it should be; cleaning up');
  } finally {
    DemoMachine.endAll();
    bucket.close();
    await ceph.stop();
  }
}

await runMain(main);
