// What the demonstrations share: headings with the time since the start, the file that is kept, and a scratch folder that
// goes with whatever was started in it, however the demonstration ends.
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DemoMachine, expectEqual } from './machine.mjs';

const FILE = 'film.mkv';
const startedMs = performance.now();

export function step(text) {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5);
  console.log(`\n${seconds} s  ${text}`);
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Lets a machine store a file of random bytes, in three copies. */
export function storeSample(machine, mib) {
  step(`${machine.name} stores a file of ${mib} MiB that nobody else has`);
  const file = openSync(machine.path(FILE), 'wx');
  for (let done = 0; done < mib; done++) writeSync(file, randomBytes(1 << 20));
  closeSync(file);
  const result = JSON.parse(machine.run('--json', 'chunk', FILE));
  const seconds = result.seconds.toFixed(1);
  console.log(`${result.chunks} chunks, ${result.copies.confirmed} copies of each, in ${seconds} s`);
  expectEqual('copies that chunk says', result.copies.confirmed, 3);
  return { id: result.id, sha256: sha256(machine.path(FILE)), objects: machine.objects() };
}

/** Gets the file back from elsewhere and compares. */
export function restoreSample(machine, stored, from) {
  const result = JSON.parse(machine.run('--json', 'reassemble', stored.id, '-o', 'restored.mkv'));
  const seconds = result.seconds.toFixed(1);
  console.log(`${result.fetchedFromPeers} objects from ${from}, in ${seconds} s`);
  expectEqual('SHA-256 of the restored file', sha256(machine.path('restored.mkv')), stored.sha256);
  console.log(`SHA-256 as before: ${stored.sha256.slice(0, 16)}…`);
}

/** `--mib N`, and a folder that is removed at the end, after the machines in it have ended. */
export function beginStory() {
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
  return { folder, mib: Number(values.mib) };
}
