// Three machines with sample files and the link to the page of the first one: what the demonstration of the page and its
// pictures start from.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DemoMachine, patiently } from './machine.mjs';

/** The password of every vault that a demonstration makes. */
export const password = 'demo';

const words = 'attic barn cellar door eaves floor gable hall inn joist key ladder mast nave oak porch'.split(
  ' ',
);

/** Text that compresses as text does. */
function prose(bytes) {
  const noise = randomBytes(Math.ceil(bytes / 5));
  return Buffer.from(Array.from(noise, (value) => words[value % words.length]).join(' ')).subarray(0, bytes);
}

const mib = 1 << 20;
const film = randomBytes(12 * mib);

/** Names with what is in them; the second film shares most of the first. */
const samples = [
  ['holiday-2025.mkv', film],
  ['holiday-2025-cut.mkv', Buffer.concat([film.subarray(0, 9 * mib), randomBytes(mib)])],
  ['letters.mbox', prose(6 * mib)],
  ['thesis.pdf', Buffer.concat([prose(mib), randomBytes(mib)])],
  ['taxes-2024.zip', randomBytes(3 * mib)],
  ['recipes.txt', prose(40_000)],
  ['Lied von der Bärenzwinge.flac', randomBytes(5 * mib)],
  ['contacts.vcf', prose(9_000)],
  ['house-plans.dwg', Buffer.concat([prose(2 * mib), randomBytes(mib / 2)])],
  ['shop.sql', prose(8 * mib)],
];

/** @returns the machines, the first of which has the vault and shows the page, and the link to it */
export async function startPageCluster(folder) {
  const machines = ['desk', 'attic', 'cellar'].map((name) => new DemoMachine(folder, name));
  const [desk, ...others] = machines;
  for (const machine of machines) await machine.serve();
  for (const machine of others) machine.run('peers', 'join', desk.run('peers', 'invite'));
  await patiently('everyone knows everyone', () =>
    machines.every((machine) => machine.knownCount() === machines.length),
  );
  for (const [name, bytes] of samples) {
    mkdirSync(dirname(desk.path(join('samples', name))), { recursive: true });
    writeFileSync(desk.path(join('samples', name)), bytes);
  }
  desk.run('chunk', '--tag', 'sample', ...samples.map(([name]) => join('samples', name)));
  return { machines, url: linkTo(desk) };
}

/** The link that `serve` prints, to the page of this machine. */
export function linkTo(machine) {
  const token = readFileSync(join(machine.home, 'api-token'), 'utf8').trim();
  return `http://localhost:${machine.port}/#token=${token}`;
}
