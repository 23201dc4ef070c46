// What cron and its watchers look at: last successes, the newest of each path, one line of statistics. Sources:
// src/ops/home/status.ts, src/cli/chunk-stats.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import t from 'tap';
import { oneJson } from './command.js';
import { placeWithFile, placeWithVault } from './place.js';

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

t.test('status tells when each thing last succeeded', async (t) => {
  const { place } = await placeWithFile(t);
  const never = { lastVerify: null, lastGc: null, lastForget: null, lastDrill: null };
  t.match(oneJson((await place.run('status', '--json')).stdout), { lastChunk: ISO_TIME, ...never });
  for (const words of [['verify'], ['gc'], ['forget', '--keep-last', '1'], ['drill']]) {
    t.equal((await place.run(...words)).status, 0);
  }
  const all = oneJson((await place.run('status', '--json')).stdout);
  for (const name of Object.keys(never)) t.match(all[name], ISO_TIME, name);
  const text = (await place.run('status')).stdout;
  for (const name of ['chunk', 'verify', 'forget', 'gc', 'drill'])
    t.match(text, new RegExp(`^last ${name}: +20`, 'm'));

  const [chunk = ''] = place.objects('chunks');
  writeFileSync(chunk, readFileSync(chunk).fill(1));
  t.equal((await place.run('verify')).status, 13);
  t.equal((await place.run('drill', '--sample', '100%')).status, 13);
  t.equal((await place.run('forget', '--keep-tag', 'x')).status, 2);
  const after = oneJson((await place.run('status', '--json')).stdout);
  for (const name of ['lastVerify', 'lastDrill', 'lastForget'])
    t.equal(after[name], all[name], `${name}: a failure does not count`);
});

t.test('status tells the newest of each path; where it lay only with the key', async (t) => {
  const place = await placeWithVault(t);
  const store = async (name: string, time: string): Promise<string> => {
    place.write(name, time);
    return (await place.run('-q', 'chunk', '--time', time, name)).stdout.trim();
  };
  await store('a', '2024-03-01T00:00:00Z');
  const b = await store('b', '2024-03-02T00:00:00Z');
  const a = await store('a', '2024-03-03T00:00:00Z');
  await store('a', '2024-02-01T00:00:00Z');
  const expected = (key: boolean) =>
    [
      { id: b, created: '2024-03-02T00:00:00.000Z', path: place.path('b') },
      { id: a, created: '2024-03-03T00:00:00.000Z', path: place.path('a') },
    ].map((each) => ({ ...each, proven: null, host: key ? hostname() : null, path: key ? each.path : null }));
  t.same(oneJson((await place.run('status', '--json')).stdout).newest, expected(true));
  const keyless = await place.runWith({ env: { DISKTRO_PASSWORD: undefined } }, 'status', '--json');
  t.same(oneJson(keyless.stdout).newest, expected(false));
  const wrong = await place.runWith({ env: { DISKTRO_PASSWORD: 'wrong' } }, 'status', '--json');
  t.equal(wrong.status, 0, 'a wrong password is no reason to tell nothing');
  t.same(oneJson(wrong.stdout).newest, expected(false));
  t.match(oneJson(wrong.stderr), { warning: /wrong password/ });
});

t.test('chunk --stats is one line on stderr, also with -q', async (t) => {
  const place = await placeWithVault(t);
  place.write('a', 'a'.repeat(1_000));
  place.write('b', 'b'.repeat(2_000));
  const first = await place.run('-q', 'chunk', '--stats', 'a', 'b');
  t.match(first.stdout, /^[0-9a-f]{64}\n[0-9a-f]{64}\n$/);
  t.match(first.stderr, /^stats: files=2 bytes=3000 new=2 stored=\d+ seconds=\d+(\.\d+)?\n$/);
  const again = await place.run('--json', 'chunk', '--stats', 'a');
  t.match(oneJson(again.stderr), { stats: { files: 1, bytes: 1_000, new: 0, seconds: Number } });
  t.equal((await place.run('-q', 'chunk', 'a')).stderr, '', 'quiet success without it');
  const failed = await place.run('-q', 'chunk', '--stats', 'a', 'nowhere');
  t.equal(failed.status, 3);
  t.match(failed.stderr, /^stats: files=1 /m, 'what was stored counts');
});
