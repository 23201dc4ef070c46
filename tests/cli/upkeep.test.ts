// ls, info, rm, gc, verify, rebuild and status: what they print, for people and for programs. Sources:
// src/cli/commands/.
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Catalog } from '../../src/catalog/catalog.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { jsonLines, oneJson } from './command.js';
import { type Place, placeWithFile, placeWithVault } from './place.js';

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const fieldsOf = (record: object | undefined): string[] => Object.keys(record ?? {}).sort();

async function store(place: Place, name: string, content: string | Uint8Array): Promise<string> {
  place.write(name, content);
  const { status, stdout, stderr } = await place.run('chunk', name);
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

t.test('ls prints a line per file, oldest first, that cut and grep can work with', async (t) => {
  const { place, file } = await placeWithFile(t);
  const id = await store(place, 'notes.txt', 'notes');
  const { status, stdout, stderr } = await place.run('ls');
  t.equal(status, 0);
  t.equal(stderr, '');
  const lines = stdout.trimEnd().split('\n');
  t.match(
    lines[0],
    new RegExp(`^${file.id}  391 KiB  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d  1/3  holiday\\.tar$`),
  );
  t.match(lines[1], new RegExp(`^${id}  5 B      .+  1/3  notes\\.txt$`), 'in columns');
  const [first, second] = jsonLines((await place.run('ls', '--json')).stdout);
  t.same(fieldsOf(first), [
    'bytes',
    'chunks',
    'copies',
    'created',
    'host',
    'id',
    'kind',
    'name',
    'path',
    'proven',
    'tags',
  ]);
  t.match(first, { id: file.id, name: file.name, kind: 'file', bytes: 400_000, created: ISO_TIME, tags: [] });
  t.ok(Number(first?.chunks) > 2);
  t.match(second, { id, name: 'notes.txt', chunks: 1, copies: 1 });
});

t.test('an empty vault lists nothing on stdout', async (t) => {
  const place = await placeWithVault(t);
  const text = await place.run('ls');
  t.same([text.status, text.stdout], [0, '']);
  t.match(text.stderr, /^no files yet: /);
  const asJson = await place.run('ls', '--json');
  t.same([asJson.status, asJson.stdout, asJson.stderr], [0, '', '']);
  t.same((await place.run('ls', '-q')).stderr, '');
});

t.test('info tells all that is known of a file', async (t) => {
  const { place, file } = await placeWithFile(t);
  const record = oneJson((await place.run('info', '--json', file.id)).stdout);
  t.same(fieldsOf(record), [
    'bytes',
    'chunks',
    'copies',
    'created',
    'entries',
    'entryCount',
    'holders',
    'host',
    'id',
    'kind',
    'manifestVersion',
    'name',
    'objects',
    'path',
    'proven',
    'storedBytes',
    'tags',
  ]);
  t.match(record, {
    id: file.id,
    name: file.name,
    kind: 'file',
    host: hostname(),
    entryCount: 1,
    entries: [{ path: file.name, type: 'file', mode: /^0[0-7]{3}$/, size: 400_000, mtime: ISO_TIME }],
    manifestVersion: 1,
  });
  const { status, stdout } = await place.run('info', file.id.slice(0, 8));
  t.equal(status, 0);
  t.match(
    stdout,
    new RegExp(`^id: +${file.id}\nname: +holiday\\.tar\nkind: +file\nsize: +391 KiB \\(400000 bytes\\)\n`),
  );
});

t.test('rm removes by id, name and latest, all or nothing, and gc frees what is left over', async (t) => {
  const { place, file } = await placeWithFile(t);
  const shared = await store(place, 'same-content.tar', file.bytes);
  const other = await store(place, 'other', sampleBytes('other', 200_000));
  const nothing = await place.run('rm', '--json', file.id, 'no such name');
  t.equal(nothing.status, 4);
  t.equal(jsonLines((await place.run('ls', '--json')).stdout).length, 3, 'nothing is removed');

  const removed = await place.run('rm', '--json', shared, 'other', shared.slice(0, 9));
  t.equal(removed.status, 0);
  const record = oneJson(removed.stdout);
  t.same(fieldsOf(record), ['removed', 'tombstoned', 'tombstonedBytes']);
  t.same(record.removed, [shared, other]);
  const waiting = oneJson((await place.run('gc', '--json')).stdout);
  t.same(fieldsOf(waiting), [
    'entered',
    'examined',
    'freed',
    'freedBytes',
    'incomplete',
    'seconds',
    'tombstoned',
    'unknown',
    'waiting',
  ]);
  t.match(waiting, { freed: 0, freedBytes: 0, waiting: record.tombstoned }, 'the grace is a day');
  const before = place.objects('chunks').length;
  const dry = oneJson((await place.run('gc', '--json', '--dry-run', '--grace', '0')).stdout);
  t.match(dry, { freed: record.tombstoned, freedBytes: record.tombstonedBytes });
  t.equal(place.objects('chunks').length, before, 'a dry run frees nothing');
  const freed = oneJson((await place.run('gc', '--json', '--grace', '0')).stdout);
  t.match(freed, { freed: record.tombstoned, freedBytes: record.tombstonedBytes, waiting: 0 });
  t.ok(place.objects('chunks').length < before);
  t.equal(place.objects('manifests').length, 1);
  await place.expectGood();
  const back = await place.run('reassemble', file.id, '-o', '-');
  t.ok(back.bytes.equals(file.bytes), 'what is shared with a file that stays stays');

  const last = await place.run('rm', 'latest');
  t.equal(last.stdout, `${file.id}\n`);
  t.match(last.stderr, /^removed 1 file; \d+ objects \(\d+ KiB\) no longer needed: `disktro gc`/);
  const all = await place.run('gc', '--grace', '0s');
  t.match(all.stdout, /^freed \d+ objects, \d+ KiB\n$/);
  t.same([...place.objects('chunks'), ...place.objects('manifests')], [], 'an empty vault holds no objects');
});

t.test('what is chunked again within its grace is kept', async (t) => {
  const { place, file } = await placeWithFile(t);
  await place.run('rm', file.id);
  const record = await place.runWith({ input: file.bytes }, 'chunk', '--json', '-');
  t.match(oneJson(record.stdout), { newChunks: 0 });
  const freed = oneJson((await place.run('gc', '--json', '--grace', '0')).stdout);
  t.equal(freed.freed, 1, 'only the removed manifest');
  t.ok((await place.run('reassemble', 'stdin', '-o', '-')).bytes.equals(file.bytes));
});

t.test('verify tells what it looked at, and with ids looks at no more', async (t) => {
  const { place, file } = await placeWithFile(t);
  const id = await store(place, 'small', 'small');
  const objects = place.objects('chunks').length + 2;
  const env = { DISKTRO_PASSWORD: undefined };
  const all = oneJson((await place.runWith({ env }, 'verify', '--json')).stdout);
  t.same(fieldsOf(all), ['bytes', 'corrupt', 'files', 'missing', 'objects', 'ok', 'repaired']);
  t.match(all, { objects, ok: objects, corrupt: [], missing: [], repaired: [], files: [] });
  for (const words of [[id], ['small', '--read-data']]) {
    t.match(
      oneJson((await place.run('verify', '--json', ...words)).stdout),
      { objects: 2, ok: 2 },
      words.join(' '),
    );
  }
  const both = oneJson((await place.run('verify', '--json', id, file.id)).stdout);
  t.equal(both.objects, objects);
  t.match((await place.run('verify')).stdout, /^\d+ objects, \d+ KiB: all good\n$/);
});

t.test('verify --repair puts a damaged object aside, and the next chunk heals the file', async (t) => {
  const { place, file } = await placeWithFile(t);
  const [chunk = ''] = place.objects('chunks');
  const damaged = Buffer.concat([readFileSync(chunk), Buffer.from('x')]);
  appendFileSync(chunk, 'x');
  const repaired = await place.run('verify', '--json', '--repair');
  t.equal(repaired.status, 13);
  t.ok(
    readFileSync(join(place.home, 'quarantine', chunk.slice(-64))).equals(damaged),
    'nothing is thrown away',
  );
  t.equal((await place.run('reassemble', file.id, '-o', 'out')).status, 14);
  t.match(oneJson((await place.run('ls', '--json')).stdout), { copies: 0 }, 'ls shows it');
  const again = await place.runWith({ input: file.bytes }, 'chunk', '--json', '-');
  t.match(oneJson(again.stdout), { newChunks: 1 });
  t.ok(
    (await place.run('reassemble', file.id, '-o', '-')).bytes.equals(file.bytes),
    'the old id works again',
  );
  const healed = oneJson((await place.run('verify', '--json', '--repair')).stdout);
  t.match(healed, { corrupt: [], missing: [], repaired: [chunk.slice(-64)] });
  await place.expectGood();
});

t.test('rebuild makes the catalog again from nothing but the store', async (t) => {
  const { place, file } = await placeWithFile(t);
  await store(place, 'späte notiz', 'text');
  await place.run('chunk', '--tag', 'x', '--name', 'renamed', 'späte notiz');
  const before = (await place.run('ls', '--json')).stdout;
  const script = 'rm "$DISKTRO_HOME"/catalog.db*; disktro rebuild --json && disktro ls --json';
  const { status, stdout } = await place.shell(script);
  t.equal(status, 0);
  const [record, ...files] = jsonLines(stdout);
  t.same(fieldsOf(record), ['bytes', 'damaged', 'files', 'objects', 'seconds']);
  t.match(record, { files: 3, objects: place.objects('chunks').length + 3, damaged: [] });
  t.same(files, jsonLines(before), 'ls is as before');
  await place.expectGood();
  const wrong = await place.runWith({ env: { DISKTRO_PASSWORD: 'wrong' } }, 'rebuild');
  t.equal(wrong.status, 12);
  t.equal((await place.run('ls', '--json')).stdout, before, 'a wrong password changes nothing');
  t.equal((await place.run('gc', '--json', '--grace', '0')).status, 0);
  t.ok((await place.run('reassemble', file.id, '-o', '-')).bytes.equals(file.bytes), 'gc then takes nothing');
});

t.test('rebuild goes on past a damaged manifest, names it, and is exit 13', async (t) => {
  const { place, file } = await placeWithFile(t);
  const [manifest = ''] = place.objects('manifests');
  await store(place, 'small', 'small');
  writeFileSync(manifest, sampleBytes('noise', 500));
  rmSync(join(place.home, 'catalog.db'));
  const { status, stdout, stderr } = await place.run('rebuild', '--json');
  t.equal(status, 13);
  t.match(oneJson(stdout), { files: 1, damaged: [file.id] });
  t.match(oneJson(stderr), { error: { code: 'E_CORRUPT', message: '1 object could not be read' } });
  t.match(jsonLines((await place.run('ls', '--json')).stdout), [{ name: 'small' }]);
  const gc = await place.run('gc', '--json', '--grace', '0');
  t.match(oneJson(gc.stdout), { freed: 0, incomplete: true });
  t.match(oneJson(gc.stderr), { warning: /nothing is freed/ });
  t.ok(place.objects('chunks').length > 3, 'gc keeps what the damaged one may need');
});

t.test('gc enters what a killed process left, with the password; without it says what to do', async (t) => {
  const { place, file } = await placeWithFile(t);
  const catalog = Catalog.open(join(place.home, 'catalog.db'));
  catalog.database.exec('DELETE FROM files; DELETE FROM refs; DELETE FROM objects WHERE kind = 2');
  catalog.close();
  const env = { DISKTRO_PASSWORD: undefined };
  const without = await place.runWith({ env, input: '' }, 'gc', '--json', '--grace', '0');
  t.match(oneJson(without.stdout), { freed: 0, incomplete: true, entered: 0, unknown: 1 });
  t.match(oneJson(without.stderr), {
    warning: /run `disktro gc` with the password, and .*`disktro rebuild`/,
  });
  const dry = await place.run('gc', '--json', '--dry-run', '--grace', '0');
  t.match(oneJson(dry.stdout), { incomplete: true, unknown: 1 });
  const { stdout, stderr } = await place.run('gc', '--grace', '0');
  t.match(stdout, /freed 0 objects/);
  t.match(stderr, /1 file that the catalog did not know found/);
  t.match(jsonLines((await place.run('ls', '--json')).stdout), [{ id: file.id, name: file.name }]);
  t.ok((await place.run('reassemble', file.id, '-o', '-')).bytes.equals(file.bytes));
  t.notMatch((await place.run('gc', '--grace', '0')).stderr, /found|rebuild/);
});

t.test('status tells how things stand, without a password', async (t) => {
  const { place } = await placeWithFile(t);
  const env = { DISKTRO_PASSWORD: undefined };
  const vault = JSON.parse(readFileSync(join(place.home, 'vault.json'), 'utf8')) as { vaultId: string };
  const record = oneJson((await place.runWith({ env }, 'status', '--json')).stdout);
  t.same(fieldsOf(record), [
    'bytes',
    'degradedObjects',
    'files',
    'freeBytes',
    'held',
    'home',
    'lastChunk',
    'lastDrill',
    'lastForget',
    'lastGc',
    'lastVerify',
    'newest',
    'nodeId',
    'objects',
    'peers',
    'store',
    'tombstoned',
    'vaultId',
  ]);
  const objects = place.objects('chunks').length + 1;
  t.match(record, {
    home: place.home,
    vaultId: vault.vaultId,
    files: 1,
    objects,
    degradedObjects: objects,
    tombstoned: 0,
    lastChunk: ISO_TIME,
    lastVerify: null,
    peers: { online: 0, unreachable: 0, offline: 0 },
  });
  await place.run('verify');
  await place.run('rm', 'latest');
  const later = oneJson((await place.runWith({ env }, 'status', '--json')).stdout);
  t.match(later, { files: 0, lastVerify: ISO_TIME, tombstoned: objects });
  const text = await place.runWith({ env }, 'status');
  t.match(text.stdout, new RegExp(`^home: +${place.home}\nvault: +${vault.vaultId}\n`));
});

t.test('dates are shown in the zone of the person, and whole in JSON', async (t) => {
  const { place } = await placeWithFile(t);
  const created = String(oneJson((await place.run('ls', '--json')).stdout).created);
  const tokyo = await place.runWith({ env: { TZ: 'Asia/Tokyo' } }, 'ls');
  const shown = new Date(Date.parse(created) + 9 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');
  t.match(tokyo.stdout, new RegExp(`  ${shown}  `));
});
