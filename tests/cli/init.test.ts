// The first minutes: init, or a first chunk that makes the vault by itself. Sources: src/cli/commands/init.ts,
// recovery-code.ts, context.ts.
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { offLinux } from '../skip.js';
import { ID_LINE, oneJson, RECOVERY_CODE } from './command.js';
import { emptyPlace, PASSWORD } from './place.js';

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

t.test('init prints the vault id on stdout, the code on stderr, and makes the home', async (t) => {
  const place = emptyPlace(t);
  const { status, stdout, stderr } = await place.runWith({ mayShowCode: true }, 'init');
  t.equal(status, 0);
  t.match(stdout, /^[0-9a-f]{32}\n$/);
  t.match(stderr, /^recovery code: (?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}\n/);
  t.match(stderr, /not shown again/);
  t.equal(mode(place.home), '700');
  const vault = JSON.parse(readFileSync(join(place.home, 'vault.json'), 'utf8')) as Record<string, unknown>;
  t.equal(vault.vaultId, stdout.trim());
  for (const kind of ['chunks', 'manifests']) {
    t.equal(readdirSync(join(place.home, 'objects', kind)).length, 256, `256 folders for ${kind}`);
  }
  const slots = readdirSync(join(place.home, 'slots'));
  t.equal(slots.length, 2, 'a slot for the password and one for the code');
  for (const slot of slots) t.equal(mode(join(place.home, 'slots', slot)), '600');
  t.same(place.temporary(), []);

  const again = await place.runWith({ env: { DISKTRO_PASSWORD: undefined } }, 'init');
  t.equal(again.status, 2, 'a second init is refused before it asks for a password');
  t.match(again.stderr, /^disktro: error: there is a vault at .+ already\ndisktro: hint: .+\n$/);
  t.equal(again.stdout, '');
});

t.test('init --json gives home, vault id and code in one line', async (t) => {
  const place = emptyPlace(t);
  const { status, stdout, stderr } = await place.run('init', '--json', '--chunk-size', '131072');
  t.equal(status, 0);
  t.equal(stderr, '');
  const made = oneJson(stdout);
  t.same(Object.keys(made).sort(), ['home', 'recoveryCode', 'vaultId']);
  t.match(made, { home: place.home, vaultId: /^[0-9a-f]{32}$/, recoveryCode: RECOVERY_CODE });
  const vault = readFileSync(join(place.home, 'vault.json'), 'utf8');
  t.match(JSON.parse(vault), { v: 1, vaultId: made.vaultId, chunker: { average: 131_072 } });
});

t.test('--recovery-file takes the code, mode 0600, and nothing shows it', async (t) => {
  const place = emptyPlace(t);
  const file = place.path('recovery.txt');
  const { status, stdout, stderr } = await place.run('init', '--recovery-file', 'recovery.txt', '--json');
  t.equal(status, 0);
  t.equal(mode(file), '600');
  const code = readFileSync(file, 'utf8');
  t.match(code, new RegExp(`^${RECOVERY_CODE.source}\n$`));
  t.notMatch(`${stdout}${stderr}`, RECOVERY_CODE);
  t.same(oneJson(stdout).recoveryFile, file);
  const opened = await place.runWith({ env: { DISKTRO_PASSWORD: undefined } }, 'ls', '--password-file', file);
  t.equal(opened.status, 0, 'the file serves as a password file');
});

t.test('a recovery file that cannot be made stops init before there is anything', async (t) => {
  const place = emptyPlace(t);
  place.write('taken', 'mine');
  const cases: [file: string, status: number, code: string][] = [
    ['taken', 17, 'E_OUTPUT_EXISTS'],
    ['no/such/folder', 3, 'E_OUTPUT'],
  ];
  for (const [file, status, code] of cases) {
    const outcome = await place.run('init', '--json', '--recovery-file', file);
    t.equal(outcome.status, status, file);
    t.match(oneJson(outcome.stderr), { error: { code } });
    t.equal(outcome.stdout, '');
    t.notOk(existsSync(place.home), 'no home');
  }
  t.equal(place.read('taken').toString(), 'mine');
  const empty = await place.runWith({ env: { DISKTRO_PASSWORD: '' } }, 'init', '--recovery-file', 'new');
  t.equal(empty.status, 2, 'an empty password');
  t.notOk(place.has('new'), 'leaves no empty recovery file');
  t.notOk(existsSync(place.home));
});

t.test('a home where no folder can be made is refused at once', { skip: offLinux }, async (t) => {
  const place = emptyPlace(t);
  const { status, stderr } = await place.runWith({ hangMs: 20_000 }, '--home', '/proc/home', 'init');
  t.equal(status, 10);
  t.match(stderr, /error: making a home at \/proc\/home: /);
});

t.test('a code that cannot be written to stdout is shown on stderr', { skip: offLinux }, async (t) => {
  const place = emptyPlace(t);
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = await place.runWith({ stdout: full, mayShowCode: true }, 'init', '--json');
  t.equal(status, 3);
  t.match(stderr, /"recoveryCode":"[0-9A-Z-]{34}"/);
  t.match(stderr, /"code":"E_OUTPUT"/);
  t.ok(existsSync(join(place.home, 'vault.json')), 'the vault is made all the same');
});

t.test('the first chunk makes the vault and prints its code once, even with -q', async (t) => {
  const place = emptyPlace(t);
  place.write('a.txt', 'a');
  const first = await place.runWith({ mayShowCode: true }, 'chunk', '-q', 'a.txt');
  t.equal(first.status, 0);
  t.match(first.stdout, ID_LINE, 'stdout is the id alone');
  t.match(first.stderr, RECOVERY_CODE);
  const second = await place.run('chunk', 'a.txt');
  t.equal(second.status, 0);
  t.notMatch(second.stderr, RECOVERY_CODE, 'the second run does not show it');
  const code = RECOVERY_CODE.exec(first.stderr)?.[0] ?? '';
  const list = await place.runWith({ env: { DISKTRO_PASSWORD: code } }, 'ls');
  t.equal(list.status, 0, 'the code opens the vault');
  t.equal(list.stdout.split('\n').length, 3, 'which holds both');
});

t.test('a first chunk tells its code as JSON on stderr, and its result on stdout', async (t) => {
  const place = emptyPlace(t);
  place.write('.disktrorc', 'chunk_size: 262144\n');
  place.write('a.txt', 'a');
  const { status, stdout, stderr } = await place.runWith({ mayShowCode: true }, '--json', 'chunk', 'a.txt');
  t.equal(status, 0);
  t.match(oneJson(stdout), { id: /^[0-9a-f]{64}$/, name: 'a.txt' });
  t.match(oneJson(stderr), { recoveryCode: RECOVERY_CODE });
  const vault = readFileSync(join(place.home, 'vault.json'), 'utf8');
  t.match(JSON.parse(vault), { chunker: { average: 262_144 } }, 'chunk_size of the configuration counts');
});

t.test('a home whose path is a file, or below one, is refused', async (t) => {
  const place = emptyPlace(t);
  writeFileSync(place.home, 'not a folder');
  for (const home of [place.home, join(place.home, 'below')]) {
    const { status, stderr } = await place.run('--home', home, 'init', '--json');
    t.equal(status, 10, home);
    t.match(oneJson(stderr), { error: { code: 'E_IO' } });
  }
  mkdirSync(place.path('empty'));
  const { status, stderr } = await place.run('--home', place.path('empty'), 'ls');
  t.equal(status, 10, 'a folder without a vault');
  t.match(stderr, /no vault at .+\ndisktro: hint: .*disktro init/);
});

t.test('the password is nowhere in a new home', async (t) => {
  const place = emptyPlace(t);
  await place.runWith({ mayShowCode: true }, 'init');
  const names = readdirSync(place.home, { recursive: true, encoding: 'utf8' });
  const files = names.map((name) => join(place.home, name)).filter((path) => statSync(path).isFile());
  t.not(files.length, 0);
  for (const path of files) t.notOk(readFileSync(path).includes(PASSWORD), path.slice(place.home.length));
});
