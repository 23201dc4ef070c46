// Shows what a cluster is for: three machines keep a file, two of them die, the third gives it back, and a fresh one
// brings the copies back to three. Every machine is a home of its own and the real command. Ends with status 1 when
// anything is not as it should be.
//   node scripts/demo-cluster.mjs [--mib N]
import { rmSync } from 'node:fs';
import { DemoMachine, expectEqual, patiently } from './demo/machine.mjs';
import { beginStory, restoreSample, step, storeSample } from './demo/story.mjs';
import { ensure, runMain } from './ensure.mjs';

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
  const stored = storeSample(desk, mib);
  expectEqual('copies on the disks', fewestCopies(machines, stored.objects), 3);
  return stored;
}

async function loseTwo(desk, attic, cellar, stored) {
  step('desk and attic die in the same second (kill -9), and with desk go its objects and the file itself');
  await Promise.all([desk.kill(), attic.kill()]);
  rmSync(desk.path('film.mkv'));
  desk.loseObjects();
  expectEqual('objects left on desk', desk.objects().size, 0);

  step('The file comes back from cellar, the one that is left');
  restoreSample(desk, stored, 'peers');
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
  const { folder, mib } = beginStory();
  try {
    await demonstrate(folder, mib);
    await DemoMachine.stopAll();
  } finally {
    DemoMachine.endAll();
  }
}

await runMain(main);
