// `disktro drill`: what is right is proven, what is damaged or gone is told, and nothing is left behind. Sources:
// src/ops/upkeep/drill.ts, drill-restore.ts, src/cli/commands/drill.ts.
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { jsonLines, oneJson } from './command.js';
import { expectJsonError } from './errors.js';
import { placeWithFile, placeWithVault } from './place.js';

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

t.test('proves what is right, and says when', async (t) => {
  const { place, file } = await placeWithFile(t);
  t.match((await place.run('info', file.id)).stdout, /^proven: +never$/m);
  const result = oneJson((await place.run('drill', '--json', '--sample', '100%', '--seed', '7')).stdout);
  t.match(result, { files: 1, bytes: 400_000, manifests: 1, fetchedFromPeers: 0, failed: [], seed: 7 });
  t.match(oneJson((await place.run('ls', '--json')).stdout), { proven: ISO_TIME });
  t.match(oneJson((await place.run('info', '--json', file.id)).stdout), { proven: ISO_TIME });
  t.match(oneJson((await place.run('status', '--json')).stdout), {
    lastDrill: ISO_TIME,
    newest: [{ id: file.id, proven: ISO_TIME }],
  });
  t.same(place.temporary(), [], 'nothing is left');
  const text = await place.run('drill');
  t.match(text.stdout, /^restored 1 file, from 1 of 1 stored, 391 KiB in .*: all right \(seed \d+\)\n$/);
});

t.test('exit 13: a flipped byte', async (t) => {
  const { place, file } = await placeWithFile(t);
  await place.run('drill', '--sample', '100%');
  const [chunk = ''] = place.objects('chunks');
  const bytes = readFileSync(chunk);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(chunk, bytes);
  const outcome = await place.run('drill', '--json', '--sample', '100%');
  const [failure, ...rest] = outcome.stderr.split('\n');
  t.match(oneJson(failure ?? ''), { failure: { id: file.id, path: file.name, code: 'E_OBJECT_ID' } });
  expectJsonError(
    t,
    { ...outcome, stdout: '', stderr: rest.join('\n') },
    { status: 13, code: 'E_CORRUPT', message: /^1 of 1 file could not be restored as stored$/ },
    'drill',
  );
  t.match(oneJson(outcome.stdout), { files: 1, failed: [{ id: file.id }] });
  t.match(oneJson((await place.run('ls', '--json')).stdout), { proven: null }, 'it is proven no more');
  t.same(place.temporary(), [], 'nothing is left');
});

t.test('exit 14: a missing object; a corrupt one beside it is exit 13', async (t) => {
  const { place, file } = await placeWithFile(t);
  const [gone = '', bad = ''] = place.objects('chunks');
  unlinkSync(gone);
  const outcome = await place.run('drill', '--sample', '100%');
  t.equal(outcome.status, 14);
  t.match(outcome.stderr, new RegExp(`^${file.id}:${file.name}: object [0-9a-f]{64} is missing`, 'm'));
  t.match(outcome.stdout, /1 NOT right/);
  const other = place.write('other', 'other');
  const { stdout } = await place.run('-q', 'chunk', other);
  t.match(oneJson((await place.run('status', '--json')).stdout), { lastDrill: null });
  writeFileSync(bad, readFileSync(bad).fill(0));
  const found = jsonLines((await place.run('drill', '--json', '--sample', '100%')).stdout)[0];
  t.match(found, { files: 2, failed: [{ id: file.id }] });
  const states = jsonLines((await place.run('ls', '--json')).stdout).map(({ id, proven }) => [
    id,
    proven !== null,
  ]);
  t.same(new Map(states as [string, boolean][]).get(stdout.trim()), true, 'the good one beside it is proven');
});

t.test('exit 13: a manifest that cannot be read', async (t) => {
  const { place, file } = await placeWithFile(t);
  const [manifest = ''] = place.objects('manifests');
  writeFileSync(manifest, readFileSync(manifest).fill(0, 60, 70));
  const outcome = await place.run('drill');
  t.equal(outcome.status, 13);
  t.match(outcome.stderr, new RegExp(`^${file.id}: object`, 'm'));
});

t.test('of many files as much is tried as was asked for, and the same seed tries the same', async (t) => {
  const place = await placeWithVault(t);
  const names = Array.from({ length: 12 }, (_, index) => place.write(`f${index}`, `${index} `.repeat(5_000)));
  t.equal((await place.run('-q', 'chunk', ...names, place.write('empty', ''))).status, 0);
  const one = oneJson((await place.run('drill', '--json', '--sample', '1', '--seed', '3')).stdout);
  t.match(one, { files: 1, failed: [] });
  const some = await place.run('drill', '--json', '--sample', '50K', '--seed', '3');
  const { bytes, files } = oneJson(some.stdout) as { bytes: number; files: number };
  t.ok(bytes >= 51_200 && bytes < 51_200 + 15_000, `${bytes} bytes`);
  t.match(oneJson((await place.run('drill', '--json', '--sample', '50K', '--seed', '3')).stdout), {
    bytes,
    files,
  });
  const all = oneJson((await place.run('drill', '--json', '--sample', '1G')).stdout);
  t.match(all, { manifests: 13, stored: 13, files: 12, failed: [] }, 'an empty file has nothing to restore');
  const copy = place.write('copy', `${'0 '.repeat(5_000)}`);
  t.equal((await place.run('-q', 'chunk', copy)).status, 0);
  const whole = oneJson((await place.run('drill', '--json', '--sample', '100%')).stdout);
  t.match(
    whole,
    { manifests: 14, files: 13, failed: [] },
    'a share is of what would be restored, duplicates too',
  );
  for (const sample of ['101%', '-1', '5 %', 'all', '0', '0%']) {
    t.equal((await place.run('drill', '--sample', sample)).status, 2, sample);
  }
});

t.test('nothing stored is nothing to prove', async (t) => {
  const place = await placeWithVault(t);
  const outcome = await place.run('drill');
  t.same([outcome.status, outcome.stdout], [0, 'nothing is stored yet\n']);
});
