// Shows the main job on a home of its own: makes a sample file, runs the real command on it, compares what comes
// back, and cleans up. Ends with status 1 when any step does not do what it should.
//   node scripts/quickstart.mjs
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensure, runMain } from './ensure.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const launcher = join(root, 'bin/disktro.js');

/** 8 MiB as people have them: half of it text, half of it already compressed. */
function makeSample() {
  const line = (n) => `${n}: the quick brown fox jumps over the lazy dog, ${(n * 2654435761) % 4294967296}\n`;
  const text = Buffer.alloc(4 << 20, Array.from({ length: 5000 }, (_, n) => line(n)).join(''));
  return Buffer.concat([text, randomBytes(4 << 20)]);
}

/** A clean environment: no setting of the person who tries this reaches the demonstration, nor the other way. */
function demoEnvironment(folder) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(DISKTRO_|PORT$)/.test(name));
  return {
    ...Object.fromEntries(kept),
    HOME: folder,
    DISKTRO_HOME: join(folder, 'home'),
    DISKTRO_PASSWORD: 'demo',
  };
}

/** Runs the real command in the folder, shows it with its output, and returns what it wrote to stdout. */
function runDisktro(folder, ...args) {
  console.log(`\n$ disktro ${args.join(' ')}`);
  const { status, signal, stdout } = spawnSync(process.execPath, [launcher, ...args], {
    cwd: folder,
    env: demoEnvironment(folder),
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  process.stdout.write(stdout ?? '');
  if (status !== 0)
    throw new Error(`disktro ${args[0]} ended with ${signal ?? `status ${status}`}, expected 0`);
  return stdout.trim();
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function demonstrate(folder) {
  writeFileSync(join(folder, 'sample.bin'), makeSample());
  console.log(
    'A sample of 8 MiB, a home and a password of its own (in DISKTRO_PASSWORD), all gone afterwards.',
  );
  runDisktro(folder, 'init', '--recovery-file', 'recovery.txt');
  const id = runDisktro(folder, 'chunk', 'sample.bin');
  if (!/^[0-9a-f]{64}$/.test(id)) throw new Error(`chunk: expected an id of 64 hex digits, got ${id}`);

  writeFileSync(
    join(folder, 'edited.bin'),
    Buffer.concat([Buffer.from('edited\n'), readFileSync(join(folder, 'sample.bin'))]),
  );
  console.log('\nThe same file with a line put in front: most of it is there already.');
  const again = JSON.parse(runDisktro(folder, '--json', 'chunk', 'edited.bin'));
  if (!(again.newChunks < again.chunks))
    throw new Error('chunk: expected known chunks in the edited file, found none');

  runDisktro(folder, 'ls');
  runDisktro(folder, 'verify');
  runDisktro(folder, 'reassemble', id, '-o', 'restored.bin');
  const [before, after] = ['sample.bin', 'restored.bin'].map((name) => sha256(join(folder, name)));
  if (before !== after) throw new Error(`reassemble: expected the sample back (${before}), got ${after}`);
  console.log(`\nsample.bin and restored.bin are the same: SHA-256 ${after}`);
}

async function main() {
  await ensure();
  const folder = mkdtempSync(join(tmpdir(), 'disktro-quickstart-'));
  process.once('SIGINT', () => process.exit(130));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  demonstrate(folder);
  console.log(`
It works. To go on:
  npm link             puts \`disktro\` on your PATH; without it, use ${launcher}
  disktro init         makes your own home in ~/.disktro
  disktro --help       explains the rest`);
}

await runMain(main);
