// The slots: what opens a vault, added, changed and taken away with the real command. Sources:
// src/cli/commands/key-*.ts.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { jsonLines, oneJson, RECOVERY_CODE } from './command.js';
import { expectJsonError } from './errors.js';
import { PASSWORD, type Place, placeWithFile, placeWithVault } from './place.js';

const SLOT_FIELDS = ['created', 'damaged', 'id', 'kind', 'label', 'opened'];
const fieldsOf = (record: object | undefined): string[] => Object.keys(record ?? {}).sort();
const slotFiles = (place: Place): string[] => readdirSync(join(place.home, 'slots')).sort();

const opens = async (place: Place, password: string): Promise<number> =>
  (await place.runWith({ env: { DISKTRO_PASSWORD: password } }, 'ls')).status;

t.test('key list shows the slots without a password', async (t) => {
  const place = await placeWithVault(t);
  const env = { DISKTRO_PASSWORD: undefined };
  const slots = jsonLines((await place.runWith({ env }, 'key', 'list', '--json')).stdout);
  t.same(slots.map(fieldsOf), [SLOT_FIELDS, SLOT_FIELDS]);
  t.same(slots.map(({ kind }) => kind).sort(), ['password', 'recovery']);
  t.ok(slots.every(({ opened, damaged }) => opened === false && damaged === false));
  const text = await place.runWith({ env }, 'key', 'list');
  t.match(text.stdout, /^[0-9a-f]+ +(?:password|recovery) +\d{4}-\d\d-\d\d \d\d:\d\d +good +\S/);
  t.equal(text.stdout.trimEnd().split('\n').length, 2, 'no heading in a pipe');
});

t.test('a password added opens the vault, and no longer when it is removed', async (t) => {
  const { place } = await placeWithFile(t);
  place.write('new.txt', 'second\n');
  const added = await place.run(
    'key',
    'add',
    '--json',
    '--label',
    'laptop',
    '--new-password-file',
    'new.txt',
  );
  t.equal(added.status, 0);
  const slot = oneJson(added.stdout);
  t.same(fieldsOf(slot), SLOT_FIELDS);
  t.match(slot, { kind: 'password', label: 'laptop', damaged: false });
  t.match(added.stderr, /"warning":"new\.txt is open to others/);
  t.equal(await opens(place, 'second'), 0);
  t.equal(await opens(place, PASSWORD), 0, 'the first one still does');
  const removed = await place.run('key', 'remove', String(slot.id).slice(0, 6));
  t.equal(removed.stdout, `${slot.id}\n`);
  t.match(removed.stderr, /^removed the password slot laptop\n$/);
  t.equal(await opens(place, 'second'), 12);
  const again = await place.run('key', 'remove', '--json', String(slot.id));
  expectJsonError(t, again, { status: 4, code: 'E_NOT_FOUND', hint: /key list/ }, 'removed already');
});

t.test('a ninth slot is refused, and so is removing the last one', async (t) => {
  const place = await placeWithVault(t);
  const env = { DISKTRO_NEW_PASSWORD: 'another' };
  for (let slots = 2; slots < 8; slots++) {
    t.equal((await place.runWith({ env }, 'key', 'add', '-q')).status, 0, `slot ${slots + 1}`);
  }
  const ninth = await place.runWith({ env }, 'key', 'add', '--json');
  expectJsonError(
    t,
    ninth,
    { status: 2, code: 'E_SLOT_LIMIT', message: /at most 8/, hint: /key remove/ },
    'the ninth',
  );
  t.equal(slotFiles(place).length, 8);
  const changed = await place.run('key', 'recovery', '--recovery-file', 'new-code');
  t.equal(changed.status, 0, 'a code can be replaced when all slots are taken');
  const code = place.read('new-code').toString().trim();
  const withCode = { env: { DISKTRO_PASSWORD: code } };
  const slots = jsonLines((await place.run('key', 'list', '--json')).stdout);
  for (const { id, kind } of slots) {
    if (kind === 'password') t.equal((await place.runWith(withCode, 'key', 'remove', String(id))).status, 0);
  }
  const [last = ''] = slotFiles(place);
  const refused = await place.runWith(withCode, 'key', 'remove', '--json', last.slice(0, 8));
  expectJsonError(
    t,
    refused,
    { status: 2, code: 'E_SLOT_LIMIT', message: /^the last slot/, hint: /key add/ },
    'the last',
  );
  t.equal(await opens(place, code), 0);
});

t.test('key passwd replaces the slot that was opened, and no data', async (t) => {
  const { place, file } = await placeWithFile(t);
  const objects = [...place.objects('chunks'), ...place.objects('manifests')];
  const env = { DISKTRO_PASSWORD: PASSWORD, DISKTRO_NEW_PASSWORD: 'geändert' };
  const changed = await place.runWith({ env }, 'key', 'passwd');
  t.equal(changed.status, 0);
  t.match(changed.stdout, /^[0-9a-f]+\n$/);
  t.equal(slotFiles(place).length, 2);
  t.equal(await opens(place, PASSWORD), 12, 'the old one is wrong now');
  t.equal(await opens(place, 'geändert'), 0);
  t.equal(await opens(place, place.code), 0, 'the recovery code stays');
  t.same([...place.objects('chunks'), ...place.objects('manifests')], objects);
  t.ok((await place.run('reassemble', file.id, '-o', '-')).bytes.equals(file.bytes));

  const forgotten = await place.runWith(
    { env: { DISKTRO_NEW_PASSWORD: 'fresh' } },
    'key',
    'passwd',
    '--json',
  );
  t.match(oneJson(forgotten.stdout), { kind: 'password' }, 'with the recovery code it makes a new password');
  t.equal(await opens(place, 'fresh'), 0);
  t.equal(await opens(place, place.code), 0, 'and the code still works');
});

t.test('key passwd needs a new password from somewhere, and changes nothing without', async (t) => {
  const place = await placeWithVault(t);
  const before = slotFiles(place);
  const none = await place.runWith({ through: ['setsid', '--wait'] }, 'key', 'passwd', '--json');
  expectJsonError(
    t,
    none,
    { status: 2, code: 'E_PASSWORD_NEEDED', hint: /--new-password-file.+DISKTRO_NEW_PASSWORD/ },
    'no source',
  );
  const empty = await place.runWith({ env: { DISKTRO_NEW_PASSWORD: '' } }, 'key', 'passwd', '--json');
  expectJsonError(t, empty, { status: 2, code: 'E_PASSWORD_UNUSABLE' }, 'an empty one');
  t.same(slotFiles(place), before);
});

t.test('key recovery makes a new code; the old one opens no longer', async (t) => {
  const place = await placeWithVault(t);
  const made = await place.runWith({ mayShowCode: true }, 'key', 'recovery');
  t.equal(made.status, 0);
  t.match(made.stdout, /^[0-9a-f]+\n$/);
  const code = RECOVERY_CODE.exec(made.stderr)?.[0] ?? '';
  t.not(code, place.code);
  t.equal(await opens(place, place.code), 12);
  t.equal(await opens(place, code), 0);
  t.equal(await opens(place, PASSWORD), 0);
  const options = { env: { DISKTRO_PASSWORD: code } };
  const asJson = await place.runWith(options, 'key', 'recovery', '--json');
  t.same(fieldsOf(oneJson(asJson.stdout)), [...SLOT_FIELDS, 'recoveryCode'].sort());
  t.equal(asJson.stderr, '');
});

t.test('one broken slot beside a good one does not lock the vault', async (t) => {
  const place = await placeWithVault(t);
  const slots = join(place.home, 'slots');
  const broken: [claim: string, name: string, content: string | undefined][] = [
    ['not JSON', 'aa.json', '{'],
    ['empty', 'ab.json', ''],
    ['a JSON bomb', 'ac.json', `${'['.repeat(30_000)}`],
    ['far too long', 'ad.json', 'x'.repeat(70_000)],
    ['a folder', 'ae.json', undefined],
  ];
  for (const [, name, content] of broken) {
    if (content === undefined) mkdirSync(join(slots, name));
    else writeFileSync(join(slots, name), content);
  }
  for (const password of [place.code, PASSWORD]) t.equal(await opens(place, password), 0);
  const listed = jsonLines((await place.run('key', 'list', '--json')).stdout);
  t.equal(listed.filter(({ damaged }) => damaged).length, broken.length, 'each is listed as damaged');
  t.equal(await opens(place, 'wrong'), 12, 'a wrong password is still one');
});

t.test('hostile parameters of a slot are refused before any work is done on them', async (t) => {
  const place = await placeWithVault(t);
  const file = slotFiles(place).find((name) => readSlot(place, name).kind === 'password') ?? '';
  const whole = readSlot(place, file);
  const path = join(place.home, 'slots', file);
  const cases: [claim: string, change: object, status: number, code: string][] = [
    ['a terabyte of memory', { memlimit: 2 ** 40 }, 13, 'E_SLOT_PARAMETERS'],
    ['a million passes', { opslimit: 1_000_000 }, 13, 'E_SLOT_PARAMETERS'],
    ['hardly any memory', { memlimit: 8192 }, 13, 'E_SLOT_PARAMETERS'],
    ['one pass', { opslimit: 1 }, 13, 'E_SLOT_PARAMETERS'],
    ['no key derivation', { kdf: 'hkdf', opslimit: 0, memlimit: 0 }, 13, 'E_SLOT_PARAMETERS'],
    ['another label', { label: 'mine now' }, 12, 'E_WRONG_PASSWORD'],
    ['a flipped bit of the wrapped key', { wrapped: flipped(String(whole.wrapped)) }, 13, 'E_SLOT_DAMAGED'],
    ['a flipped bit of the check', { check: flipped(String(whole.check)) }, 12, 'E_WRONG_PASSWORD'],
  ];
  for (const [claim, change, status, code] of cases) {
    writeFileSync(path, JSON.stringify({ ...whole, ...change }));
    const outcome = await place.runWith({ env: { DISKTRO_PASSWORD: PASSWORD } }, 'ls', '--json');
    expectJsonError(t, outcome, { status, code }, claim);
    t.ok(outcome.seconds < 20, `${claim}: at once`);
  }
});

const readSlot = (place: Place, name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(place.home, 'slots', name), 'utf8')) as Record<string, unknown>;

const flipped = (hex: string): string => (hex.startsWith('0') ? `1${hex.slice(1)}` : `0${hex.slice(1)}`);
