// One row per exit status of docs and `--help`: how it comes about, how it is told, what is left. Sources:
// src/cli/exit.ts, run.ts, error-text.ts.
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { offLinux } from '../skip.js';
import { oneJson } from './command.js';
import { expectError, expectJsonError } from './errors.js';
import { emptyPlace, type Place, placeWithFile, placeWithVault } from './place.js';

interface Row {
  readonly claim: string;
  readonly status: number;
  readonly code: string;
  readonly message: RegExp;
  readonly hint?: RegExp;
  readonly details?: object;
  /** What makes it so; returns the words of the command. */
  readonly arrange: (place: Place) => string[];
}

const changeVault = (place: Place, change: (vault: Record<string, unknown>) => void): void => {
  const file = join(place.home, 'vault.json');
  const vault = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  change(vault);
  writeFileSync(file, JSON.stringify(vault));
};

function changeCatalog(place: Place, sql: string): void {
  const database = new Database(join(place.home, 'catalog.db'));
  database.exec(sql);
  database.close();
}

const ROWS: readonly Row[] = [
  {
    claim: 'an unknown command',
    status: 2,
    code: 'E_USAGE',
    message: /^unknown command reasemble$/,
    hint: /^did you mean reassemble\?$/,
    arrange: () => ['reasemble', 'latest'],
  },
  {
    claim: 'an unknown option',
    status: 2,
    code: 'E_USAGE',
    message: /^unknown option --ouput$/,
    hint: /^did you mean --output\?$/,
    arrange: () => ['reassemble', 'latest', '--ouput', 'x'],
  },
  {
    claim: 'a bad value',
    status: 2,
    code: 'E_USAGE',
    message: /^--grace: expected seconds, or a number with s, m, h or d, got "soon"$/,
    arrange: () => ['gc', '--grace', 'soon'],
  },
  {
    claim: 'an argument too many',
    status: 2,
    code: 'E_USAGE',
    message: /too many arguments/,
    hint: /disktro help ls/,
    arrange: () => ['ls', 'holiday.tar', 'a', 'b'],
  },
  {
    claim: 'an input that is not there',
    status: 3,
    code: 'E_INPUT',
    message: /^cannot read "nothing\.here": no such file or folder$/,
    details: { path: 'nothing.here', errno: 'ENOENT' },
    arrange: () => ['chunk', 'nothing.here'],
  },
  {
    claim: 'an unknown id',
    status: 4,
    code: 'E_NOT_FOUND',
    message: /^no file has the id, id prefix \(8 digits or more\) or name "00000000"$/,
    hint: /^run `disktro ls`/,
    arrange: () => ['reassemble', '00000000', '-o', 'out'],
  },
  {
    claim: 'a home without a vault',
    status: 10,
    code: 'E_NO_VAULT',
    message: /^no vault at /,
    hint: /disktro init/,
    arrange: () => ['--home', 'nowhere', 'ls'],
  },
  {
    claim: 'a vault of a newer version',
    status: 10,
    code: 'E_FORMAT_TOO_NEW',
    message: /^vault format: expected at most 1, got 2$/,
    hint: /upgrade/,
    arrange: (place) => {
      changeVault(place, (vault) => {
        vault.v = 2;
      });
      return ['ls'];
    },
  },
  {
    claim: 'a catalog of a newer version',
    status: 10,
    code: 'E_FORMAT_TOO_NEW',
    message: /^catalog version: expected at most \d+, got 99$/,
    hint: /upgrade/,
    arrange: (place) => {
      changeCatalog(place, 'PRAGMA user_version = 99');
      return ['ls'];
    },
  },
  {
    claim: 'a vault.json that is damaged',
    status: 13,
    code: 'E_VAULT_FILE',
    message: /vault\.json: is not JSON$/,
    arrange: (place) => {
      truncateSync(join(place.home, 'vault.json'), 20);
      return ['ls'];
    },
  },
  {
    claim: 'a vault.json that asks for another chunker',
    status: 13,
    code: 'E_VAULT_FILE',
    message: /the chunker is not one of format 1$/,
    arrange: (place) => {
      changeVault(place, (vault) => Object.assign(vault.chunker as object, { min: 1 }));
      return ['status'];
    },
  },
  {
    claim: 'a catalog that is damaged',
    status: 13,
    code: 'E_CATALOG_CORRUPT',
    message: /is damaged/,
    hint: /disktro rebuild/,
    arrange: (place) => {
      writeFileSync(join(place.home, 'catalog.db'), sampleBytes('noise', 20_000));
      return ['ls'];
    },
  },
  {
    claim: "another program's database in its place",
    status: 13,
    code: 'E_CATALOG_CORRUPT',
    message: /^catalog\.db belongs to another program$/,
    hint: /disktro rebuild/,
    arrange: (place) => {
      rmSync(join(place.home, 'catalog.db'));
      changeCatalog(place, 'CREATE TABLE theirs (x)');
      return ['ls'];
    },
  },
  {
    claim: 'a catalog that is gone',
    status: 13,
    code: 'E_CATALOG_CORRUPT',
    message: /^catalog\.db is missing, though this home has a vault$/,
    hint: /disktro rebuild/,
    arrange: (place) => {
      rmSync(join(place.home, 'catalog.db'));
      return ['status'];
    },
  },
  {
    claim: 'an object that is gone',
    status: 14,
    code: 'E_OBJECT_MISSING',
    message: /^object [0-9a-f]{64} is missing from this store$/,
    hint: /disktro verify/,
    arrange: (place) => {
      unlinkSync(place.objects('chunks').at(-1) ?? '');
      return ['reassemble', 'latest', '-o', 'out'];
    },
  },
  {
    claim: 'an output that exists',
    status: 17,
    code: 'E_OUTPUT_EXISTS',
    message: /exists already$/,
    hint: /--force/,
    arrange: (place) => ['reassemble', 'latest', '-o', place.write('there', 'mine')],
  },
];

for (const { claim, arrange, ...expected } of ROWS) {
  t.test(`exit ${expected.status}: ${claim}`, async (t) => {
    const { place } = await placeWithFile(t);
    const words = arrange(place);
    const before = place.names();
    expectJsonError(t, await place.run('--json', ...words), expected, claim);
    const outcome = await place.run(...words);
    expectError(t, outcome, expected, `${claim}, as text`);
    t.equal(outcome.stdout, '', 'nothing on stdout');
    t.same(place.names(), before, 'nothing is left in the working folder');
    t.same(place.temporary(), [], 'nor in tmp/');
  });
}

t.test('exit 4: a prefix that fits several files names them', async (t) => {
  const { place, file } = await placeWithFile(t);
  place.write('b', 'b');
  await place.run('chunk', 'b');
  const twin = `${file.id.slice(0, 10)}${'0'.repeat(54)}`;
  changeCatalog(place, `UPDATE objects SET store_id = x'${twin}' WHERE id = (SELECT max(object) FROM files)`);
  const expected = {
    status: 4,
    code: 'E_AMBIGUOUS',
    message: /^2 files begin with [0-9a-f]{8}$/,
    hint: /more digits/,
  };
  for (const command of ['info', 'reassemble', 'rm', 'verify']) {
    const outcome = await place.run(command, '--json', file.id.slice(0, 8));
    expectJsonError(t, outcome, expected, command);
    const { details } = oneJson(outcome.stderr).error as { details: { matches: string[] } };
    t.same(details.matches.sort(), [file.id, twin].sort(), `${command} names both`);
  }
  const found = await place.run('info', '--json', file.id.slice(0, 12));
  t.match(oneJson(found.stdout), { id: file.id }, 'two digits more are enough');
});

t.test('exit 13: any flipped bit of an object, and no file is written', async (t) => {
  const { place, file } = await placeWithFile(t);
  const [chunk = ''] = place.objects('chunks');
  const [manifest = ''] = place.objects('manifests');
  for (const [path, code, offset] of [
    [chunk, 'E_OBJECT_ID', 1000],
    [chunk, 'E_OBJECT_VAULT', 4],
    [chunk, 'E_OBJECT_MAGIC', 0],
    [manifest, 'E_OBJECT_ID', -1],
  ] as const) {
    const whole = readFileSync(path);
    const flipped = Buffer.from(whole);
    const at = offset < 0 ? whole.length + offset : offset;
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    writeFileSync(path, flipped);
    const toFile = await place.run('reassemble', '--json', file.id, '-o', 'out');
    expectJsonError(t, toFile, { status: 13, code }, `byte ${offset}`);
    t.same(place.names(), [], 'nothing is left');
    const toStdout = await place.run('reassemble', file.id, '-o', '-');
    t.equal(toStdout.status, 13);
    t.ok(
      file.bytes.subarray(0, toStdout.bytes.length).equals(toStdout.bytes),
      'what came to stdout is right',
    );
    const verified = await place.run('verify', '--json');
    t.equal(verified.status, 13, 'verify finds it without a password');
    t.match(oneJson(verified.stdout).corrupt, [path.slice(-64)]);
    writeFileSync(path, whole);
    t.equal((await place.run('verify')).status, 0, 'and is content when it is whole again');
  }
  truncateSync(chunk, 5000);
  const short = await place.run('reassemble', '--json', file.id, '-o', 'out');
  expectJsonError(t, short, { status: 13, code: 'E_OBJECT_ID' }, 'cut short');
  writeFileSync(chunk, '');
  const empty = await place.run('reassemble', '--json', file.id, '-o', 'out');
  expectJsonError(t, empty, { status: 13, code: 'E_OBJECT_LENGTH' }, 'empty');
  t.same(place.names(), []);
});

t.test('exit 13: two objects that were swapped', async (t) => {
  const { place, file } = await placeWithFile(t);
  const [first = '', second = ''] = place.objects('chunks');
  copyFileSync(first, `${first}.aside`);
  copyFileSync(second, first);
  copyFileSync(`${first}.aside`, second);
  rmSync(`${first}.aside`);
  const swapped = await place.run('reassemble', '--json', file.id, '-o', 'out');
  expectJsonError(t, swapped, { status: 13, code: 'E_OBJECT_ID' }, 'swapped');
  t.match(
    oneJson((await place.run('verify', '--json')).stdout).corrupt,
    [first.slice(-64), second.slice(-64)].sort(),
  );
  t.same(place.names(), []);
});

t.test('exit 13 and 14: verify tells both, and damage comes before loss', async (t) => {
  const { place, file } = await placeWithFile(t);
  const [first = '', second = ''] = place.objects('chunks');
  unlinkSync(first);
  const missing = await place.run('verify', '--json');
  t.equal(missing.status, 14);
  t.same(oneJson(missing.stdout).files, [file.id]);
  t.match(oneJson(missing.stdout), { corrupt: [], missing: [first.slice(-64)], repaired: [] });
  t.match(missing.stderr, new RegExp(`^{"file":"${file.id}","name":"holiday.tar"}$`, 'm'), 'with a name');
  t.match(missing.stderr, /"error":\{"code":"E_OBJECT_MISSING","message":"1 object missing"/);
  appendFileSync(second, 'x');
  const both = await place.run('verify', '--json', 'latest');
  t.equal(both.status, 13);
  t.match(oneJson(both.stdout), { corrupt: [second.slice(-64)], missing: [first.slice(-64)] });
  const text = await place.run('verify', '--read-data');
  t.equal(text.status, 13);
  t.match(text.stdout, /^\d+ objects, .+: \d+ good, 1 corrupt, 1 missing; 1 file hit\n$/);
  const keyless = await place.runWith({ env: { DISKTRO_PASSWORD: undefined } }, 'verify', '--repair');
  t.equal(keyless.status, 13);
  t.match(keyless.stderr, new RegExp(`^file ${file.id} is hit$`, 'm'), 'an id without a password');
  t.match(text.stderr, new RegExp(`^${second.slice(-64)}: `, 'm'), 'each finding is named');
  t.match(text.stderr, /disktro: error: 1 object corrupt, 1 missing\ndisktro: hint: .*--repair/);
});

t.test('exit 3: of several inputs some fail, and the ids of the others are printed', async (t) => {
  const place = await placeWithVault(t);
  place.write('good-1', '1');
  place.write('good-2', '2');
  mkdirSync(place.path('folder'));
  const outcome = await place.run('chunk', '--json', 'good-1', 'gone', 'folder', 'good-2');
  t.equal(outcome.status, 3);
  const names = outcome.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { name: string }).name);
  t.same(names, ['good-1', 'folder', 'good-2']);
  const errors = outcome.stderr
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { error: object }).error);
  t.match(errors, [
    { code: 'E_INPUT', message: /gone/ },
    { code: 'E_INPUTS_FAILED', message: '1 of 4 inputs failed', details: { failed: 1, total: 4 } },
  ]);
  const all = await place.run('chunk', 'gone', 'gone too');
  t.equal(all.status, 3, 'also when all of them fail');
  t.equal(all.stdout, '');
  await place.expectGood();
});

t.test('a stack is shown with -vv and only then', async (t) => {
  const { place } = await placeWithFile(t);
  unlinkSync(place.objects('manifests')[0] ?? '');
  const words = ['reassemble', 'latest', '-o', 'out'];
  t.notMatch((await place.run('-v', ...words)).stderr, /\bat .+:\d+/);
  const text = await place.run('-vv', ...words);
  t.match(text.stderr, /^\[E_OBJECT_MISSING\] .+\n +at .+src\/[a-z/-]+\.ts:\d+:\d+/m);
  const asJson = await place.run('-vv', '--json', ...words);
  const lines = asJson.stderr.trim().split('\n');
  t.match(JSON.parse(lines.at(-1) ?? ''), { error: { code: 'E_OBJECT_MISSING', stack: [String, /^ +at /] } });
});

t.test('a bug is exit 1, asks to be reported, and shows its stack with -vv only', async (t) => {
  const { place } = await placeWithFile(t);
  place.write('break.mjs', "import fs from 'node:fs'; fs.statfs = () => { throw 'not even an Error'; };");
  const nodeOptions = ['--import', place.path('break.mjs')];
  const outcome = await place.runWith({ nodeOptions }, 'status', '--json');
  expectJsonError(
    t,
    outcome,
    { status: 1, code: 'E_UNEXPECTED', message: /^unexpected: not even an Error$/, hint: /-vv and report/ },
    'a bug',
  );
  t.notOk(existsSync(place.path('core')));
  const empty = emptyPlace(t);
  t.equal((await empty.run('status')).status, 10);
});

t.test('exit 13: a damaged chunk or list names the file and what to do', async (t) => {
  const { place, file } = await placeWithFile(t);
  const [chunk = ''] = place.objects('chunks');
  appendFileSync(chunk, 'x');
  const outcome = await place.run('reassemble', file.id, '-o', 'out');
  const message = new RegExp(`^holiday.tar: object ${chunk.slice(-64)} is damaged$`);
  expectError(t, outcome, { status: 13, message, hint: /disktro verify/ }, 'a chunk');
  t.notOk(place.has('out'));
});

t.test('a device that is full is named, not stdout', { skip: offLinux }, async (t) => {
  const { place, file } = await placeWithFile(t);
  const outcome = await place.run('reassemble', file.id, '-o', '/dev/full');
  expectError(t, outcome, { status: 28, message: /^writing \/dev\/full: no space left/ }, '/dev/full');
});
