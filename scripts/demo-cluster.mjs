// Shows what a cluster is for: three machines keep a file, two of them die, the third gives it back, and a fresh one
// brings the copies back to three. Every machine is a home of its own and the real command. Ends with status 1 when
// anything is not as it should be.
//   node scripts/demo-cluster.mjs [--mib N]
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DemoMachine, expectEqual, patiently } from './demo/machine.mjs';
import { ensure, runMain } from './ensure.mjs';

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

/** On how many of these machines' disks each object lies, the fewest of all. */
function fewestCopies(machines, ids) {
  const disks = machines.map((machine) => machine.objects());
  return Math.min(...[...ids].map((id) => disks.filter((disk) => disk.has(id)).length));
}

async function allKnow(machines) {
  await patiently('everyone knows everyone', () =>
    machines.every((machine) => machine.knownCount() === machines.length),
  );
}

async function joinThree(folder) {
  step('Three machines, each with `disktro serve`; one invites, the others join');
  const machines = ['desk', 'attic', 'cellar'].map((name) => new DemoMachine(folder, name));
  const [desk, ...others] = machines;
  for (const machine of machines) await machine.serve();
  for (const machine of others) machine.run('peers', 'join', desk.run('peers', 'invite'));
  await allKnow(machines);
  console.log(desk.run('peers'));
  return machines;
}

function keep(desk, machines, mib) {
  step(`desk stores a file of ${mib} MiB that nobody else has`);
  makeSample(desk.path('film.mkv'), mib);
  const result = JSON.parse(desk.run('--json', 'chunk', 'film.mkv'));
  const objects = desk.objects();
  console.log(
    `${result.chunks} chunks, ${result.copies.confirmed} copies of each, in ${result.seconds.toFixed(1)} s`,
  );
  expectEqual('copies that chunk says', result.copies.confirmed, 3);
  expectEqual('copies on the disks', fewestCopies(machines, objects), 3);
  return { id: result.id, objects, sha256: sha256(desk.path('film.mkv')) };
}

async function loseTwo(desk, attic, cellar, stored) {
  step('desk and attic die in the same second (kill -9), and with desk go its objects and the file itself');
  await Promise.all([desk.kill(), attic.kill()]);
  rmSync(desk.path('film.mkv'));
  desk.loseObjects();
  expectEqual('objects left on desk', desk.objects().size, 0);

  step('The file comes back from cellar, the one that is left');
  const result = JSON.parse(desk.run('--json', 'reassemble', stored.id, '-o', 'restored.mkv'));
  console.log(
    `${result.fetchedFromPeers} of ${result.chunks} chunks from peers, in ${result.seconds.toFixed(1)} s`,
  );
  expectEqual('SHA-256 of the restored file', sha256(desk.path('restored.mkv')), stored.sha256);
  console.log(`SHA-256 as before: ${stored.sha256.slice(0, 16)}…`);
  expectEqual('objects on cellar', fewestCopies([cellar], stored.objects), 1);
}

async function healWithFourth(folder, desk, cellar, stored) {
  step('desk is up again with an empty disk; a fourth machine, garage, joins. attic stays dead');
  const garage = new DemoMachine(folder, 'garage');
  await Promise.all([desk.serve(), garage.serve()]);
  garage.run('peers', 'join', desk.run('peers', 'invite'));
  const healedMs = performance.now();
  const machines = [desk, cellar, garage];
  await patiently('three copies of every object', () => fewestCopies(machines, stored.objects) === 3);
  const seconds = ((performance.now() - healedMs) / 1000).toFixed(1);
  console.log(`three copies of all ${stored.objects.size} objects again, ${seconds} s after garage joined`);
  console.log(desk.run('peers'));

  step('Every object on every machine is hashed, and desk opens every one with its key');
  for (const machine of machines) {
    expectEqual(`damaged objects on ${machine.name}`, machine.wrongObjects(), 0);
    console.log(`${machine.name}: ${machine.objects().size} objects, 0 damaged`);
  }
  const { corrupt, missing } = JSON.parse(desk.run('--json', 'verify', '--read-data'));
  expectEqual('corrupt or missing objects on desk', corrupt.length + missing.length, 0);
}

async function demonstrate(folder, mib) {
  const machines = await joinThree(folder);
  const [desk, attic, cellar] = machines;
  const stored = keep(desk, machines, mib);
  await loseTwo(desk, attic, cellar, stored);
  await healWithFourth(folder, desk, cellar, stored);
  step('All as it should be; cleaning up');
}

async function main() {
  await ensure();
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
  try {
    await demonstrate(folder, Number(values.mib));
    await DemoMachine.stopAll();
  } finally {
    DemoMachine.endAll();
  }
}

await runMain(main);
