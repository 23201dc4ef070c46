// Slots come and go, damaged ones do no harm, and the data stays as it is.
// Sources: src/ops/home/slots.ts, src/ops/home/vault-files.ts, src/ops/home/vault.ts.
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import {
  addPasswordSlot,
  changePassword,
  listSlots,
  newRecoveryCode,
  removeSlot,
} from '../../../src/ops/home/slots.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { openVault } from '../../../src/ops/home/vault.js';
import { restored } from '../expect-intact.js';
import { makeScratchHome, openScratch, RECOVERY_CODE, scratchFolder } from '../scratch-home.js';

t.setTimeout(60_000);

const openWith = async (home: string, password: string): Promise<OpenVault> =>
  (await openVault({ home, password })) as OpenVault;

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

t.test(
  'a password can be added and changed; data and recovery code stay good, the old password does not',
  async (t) => {
    const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
    const vault = await openWith(home, RECOVERY_CODE);
    const { id } = await chunkStream(vault, once('content'), { workers: 0 });
    const added = await addPasswordSlot(vault, { newPassword: 'old', label: 'laptop' });
    t.match(added, { kind: 'password', label: 'laptop', opened: false, damaged: false });
    await vault.close();

    const withOld = await openWith(home, 'old');
    t.match(
      (await listSlots(withOld)).find(({ opened }) => opened),
      { id: added.id },
    );
    t.match(await changePassword(withOld, { newPassword: 'new' }), { label: 'laptop', opened: true });
    t.ok((await chunkStream(withOld, once('more'), { workers: 0 })).id, 'the open vault works on');
    await withOld.close();

    await t.rejects(openWith(home, 'old'), { code: 'E_WRONG_PASSWORD' });
    for (const secret of ['new', RECOVERY_CODE]) {
      await using again = await openWith(home, secret);
      t.equal((await restored(again, id)).toString(), 'content');
      t.equal((await listSlots(again)).length, 2);
    }
  },
);

t.test('a new recovery code replaces the old one', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const vault = await openWith(home, RECOVERY_CODE);
  const { recoveryCode } = await newRecoveryCode(vault);
  await vault.close();
  await using again = await openWith(home, recoveryCode.toLowerCase().replaceAll('-', ' '));
  t.match(await listSlots(again), [{ kind: 'recovery', opened: true }]);
  await t.rejects(openWith(home, RECOVERY_CODE), { name: 'DisktroError' });
});

t.test('of two changes in one open vault only the last password opens it', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const vault = await openWith(home, RECOVERY_CODE);
  await addPasswordSlot(vault, { newPassword: 'first' });
  await vault.close();
  const withFirst = await openWith(home, 'first');
  await changePassword(withFirst, { newPassword: 'second' });
  await changePassword(withFirst, { newPassword: 'third' });
  t.equal((await listSlots(withFirst)).length, 2);
  await withFirst.close();
  for (const password of ['first', 'second']) {
    await t.rejects(openWith(home, password), { code: 'E_WRONG_PASSWORD' }, password);
  }
  await (await openWith(home, 'third')).close();
});

t.test('changing the password after a recovery keeps the recovery code', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const vault = await openWith(home, RECOVERY_CODE);
  await changePassword(vault, { newPassword: 'after recovery' });
  t.match((await listSlots(vault)).map(({ kind }) => kind).sort(), ['password', 'recovery']);
  await vault.close();
  await (await openWith(home, RECOVERY_CODE)).close();
  await (await openWith(home, 'after recovery')).close();
});

t.test('garbage beside a good slot does not keep it from opening, and is listed as damaged', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const slots = path.join(home, 'slots');
  const [good = ''] = fs.readdirSync(slots);
  const json = fs.readFileSync(path.join(slots, good), 'utf8');
  const garbage: Record<string, string> = {
    'empty.json': '',
    'short.json': json.slice(0, -20),
    'deep.json': '['.repeat(30_000),
    'huge.json': JSON.stringify('x'.repeat(1_000_000)),
    'copy.json': json,
    '0000000000000000.json': json.replace(/"kind": "\w+"/, '"kind": "other"'),
  };
  for (const [name, text] of Object.entries(garbage)) fs.writeFileSync(path.join(slots, name), text);
  fs.mkdirSync(path.join(slots, 'folder.json'));
  fs.writeFileSync(path.join(slots, 'notes.txt'), 'not a slot');
  await using vault = await openWith(home, RECOVERY_CODE);
  const listed = await listSlots(vault);
  t.equal(listed.filter(({ damaged }) => damaged).length, Object.keys(garbage).length + 1);
  t.match(
    listed.filter(({ damaged }) => !damaged),
    [{ id: good.slice(0, -5), opened: true }],
  );
  await removeSlot(vault, 'short');
  t.notOk(fs.existsSync(path.join(slots, 'short.json')), 'a damaged one can be removed');
});

t.test('a ninth slot is refused, and nothing is written', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  await using vault = await openWith(home, RECOVERY_CODE);
  const slots = path.join(home, 'slots');
  for (let count = 2; count <= 8; count++) fs.writeFileSync(path.join(slots, `${count}.json`), '{}');
  await t.rejects(addPasswordSlot(vault, { newPassword: 'ninth' }), { code: 'E_SLOT_LIMIT' });
  t.equal(fs.readdirSync(slots).length, 8);
  await newRecoveryCode(vault);
  t.equal(fs.readdirSync(slots).length, 8, 'one that replaces another is let in');
});

t.test('the last slot that works is not removed', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  await using vault = await openWith(home, RECOVERY_CODE);
  fs.writeFileSync(path.join(home, 'slots', 'damaged.json'), '{}');
  await t.rejects(removeSlot(vault, vault.slotId), { code: 'E_SLOT_LIMIT' });
  t.ok(fs.existsSync(path.join(home, 'slots', `${vault.slotId}.json`)));
});

t.test('a slot is removed by a unique beginning of its id only', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  await using vault = await openScratch(home);
  for (const name of ['xa1', 'xa2']) fs.writeFileSync(path.join(home, 'slots', `${name}.json`), '{}');
  await t.rejects(removeSlot(vault, 'xa'), { code: 'E_AMBIGUOUS' });
  await t.rejects(removeSlot(vault, 'zz'), { code: 'E_NOT_FOUND' });
  await t.rejects(removeSlot(vault, ''), { code: 'E_NOT_FOUND' });
  t.match(await removeSlot(vault, 'xa1'), { id: 'xa1', damaged: true });
  t.equal((await listSlots(vault)).length, 2);
});
