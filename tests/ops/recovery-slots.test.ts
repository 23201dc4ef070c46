// What opens a vault, when something is wrong with it. Sources: src/ops/home/vault.ts, src/ops/home/slots.ts,
// src/core/unlock.ts.
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { newToken } from '../../src/catalog/sessions.js';
import { formatRecoveryCode, parseRecoveryCode } from '../../src/core/recovery-code.js';
import type { Slot, SlotKind } from '../../src/core/slot-shape.js';
import { chunkStream } from '../../src/ops/chunk/chunk.js';
import { makeSlot } from '../../src/ops/home/make-slot.js';
import { addPasswordSlot } from '../../src/ops/home/slots.js';
import { createVault, unlockVault } from '../../src/ops/home/vault.js';
import { writeSlot } from '../../src/ops/home/vault-files.js';
import { homePaths } from '../../src/store/paths.js';
import { promptFileSystem } from './prompt-file-system.js';
import { sampleBytes, sliced } from './sample-bytes.js';
import {
  filesOf,
  HomeImage,
  makeScratchHome,
  openScratch,
  SCRATCH_VAULT,
  scratchFolder,
} from './scratch-home.js';

// Each rebuild and each password start a worker thread: on a busy machine that takes a while.
t.setTimeout(240_000);

const MASTER_KEY = sampleBytes('slots', 32);
const LABEL_LIMIT = 200;

const seal = (kind: SlotKind, secret: string): Promise<Slot> =>
  makeSlot({ vaultId: SCRATCH_VAULT, masterKey: MASTER_KEY, kind, secret, label: kind });

/** A home with exactly these slots. */
async function homeWith(test: Test, slots: readonly Slot[]): Promise<string> {
  const home = await makeScratchHome(scratchFolder(test));
  for (const slot of slots) await writeSlot(promptFileSystem, homePaths(home), newToken(), slot);
  return home;
}

/** A slot that would have an attacker's machine, or ours, work for days. */
const hostile = (slot: Slot): Slot => ({ ...slot, id: 'ff'.repeat(8), opslimit: 1_000_000 });

const damaged = (slot: Slot): Slot => ({ ...slot, id: slot.id, wrapped: `${slot.wrapped.slice(0, -2)}00` });

t.test('slots that are not as they should be', async (t) => {
  const [good, other] = await Promise.all([seal('password', 'right'), seal('password', 'other')]);
  const early = { ...hostile(other), created: '1999-01-01T00:00:00.000Z' };
  const late = { ...hostile(other), created: '2999-01-01T00:00:00.000Z' };
  const broken = damaged(good);
  t.not(broken.wrapped, good.wrapped);
  for (const [title, slots, password, code] of [
    ['a wrong password, a hostile slot first', [early, good], 'wrong', 'E_WRONG_PASSWORD'],
    ['a wrong password, a hostile slot last', [good, late], 'wrong', 'E_WRONG_PASSWORD'],
    ['nothing but a hostile slot', [late], 'right', 'E_SLOT_PARAMETERS'],
    ['the password of a damaged slot', [broken], 'right', 'E_SLOT_DAMAGED'],
    ['the password of a damaged slot beside another', [broken, other], 'right', 'E_SLOT_DAMAGED'],
    ['the password of a damaged slot beside a hostile one', [early, broken], 'right', 'E_SLOT_DAMAGED'],
  ] as const) {
    const home = await homeWith(t, slots);
    await t.rejects(unlockVault({ home, password }), { code }, title);
  }
  for (const [title, slots] of [
    ['a damaged slot', [broken, other]],
    ['a hostile slot', [early, other]],
  ] as const) {
    const home = await homeWith(t, slots);
    const { unlocked } = await unlockVault({ home, password: 'other' });
    t.match(unlocked, { slotId: other.id }, `${title} does not stand in the way of a good one`);
    t.ok(MASTER_KEY.equals(unlocked.masterKey));
  }
});

t.test('a password that reads as a recovery code opens its vault', async (t) => {
  const password = formatRecoveryCode(new Uint8Array(16));
  t.ok(parseRecoveryCode(password), 'it reads as one');
  const code = formatRecoveryCode(sampleBytes('code', 16));
  const [asPassword, asCode] = await Promise.all([seal('password', password), seal('recovery', code)]);
  for (const slots of [[asPassword], [asPassword, asCode]]) {
    const home = await homeWith(t, slots);
    const { unlocked } = await unlockVault({ home, password });
    t.equal(unlocked.slotId, asPassword.id, `of ${slots.length} slots`);
    t.ok(MASTER_KEY.equals(unlocked.masterKey));
  }
  const { unlocked } = await unlockVault({ home: await homeWith(t, [asPassword, asCode]), password: code });
  t.equal(unlocked.slotId, asCode.id, 'the true code opens its own slot');
});

t.test('a label', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const vault = await openScratch(home);
  const before = filesOf(vault.home.paths.slots);
  for (const label of ['x'.repeat(LABEL_LIMIT + 1), 'ä'.repeat(5000)]) {
    const refused = addPasswordSlot(vault, { newPassword: 'new', label });
    await t.rejects(refused, { code: 'E_USAGE', message: /at most 200/ }, `of ${label.length} characters`);
    t.same(filesOf(vault.home.paths.slots), before, 'no slot is written');
  }
  const label = 'ä'.repeat(LABEL_LIMIT);
  t.match(await addPasswordSlot(vault, { newPassword: 'new', label }), { label, damaged: false });
  await vault.close();
  t.ok((await unlockVault({ home, password: 'new' })).unlocked, 'one of the longest opens the vault');
});

t.test('init in a home that has objects but no vault.json touches nothing', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const paths = homePaths(home);
  const vault = await openScratch(home);
  await chunkStream(vault, sliced(sampleBytes('bytes', 3000), [3000]), { workers: 0 });
  await vault.close();
  fs.rmSync(paths.vaultFile);
  const image = HomeImage.of(home);
  const lost: Readonly<Record<string, string>> = {
    'without slots': paths.slots,
    'with manifests alone': path.join(paths.objects, 'chunks'),
    'with chunks alone': path.join(paths.objects, 'manifests'),
  };
  for (const [title, folder] of Object.entries(lost)) {
    image.restoreTo(home);
    for (const file of filesOf(folder)) fs.rmSync(path.join(folder, file));
    const before = HomeImage.of(home);
    await t.rejects(
      createVault({ home, password: 'new' }),
      { code: 'E_VAULT_FILE', hint: /from a backup/ },
      title,
    );
    const after = HomeImage.of(home);
    t.same([...after.files.keys()].sort(), [...before.files.keys()].sort(), title);
    for (const [file, bytes] of before.files) {
      if (after.files.get(file)?.equals(bytes) !== true) t.fail(`${file} has changed, ${title}`);
    }
  }
  const empty = await makeScratchHome(scratchFolder(t), { withSlot: true });
  fs.rmSync(homePaths(empty).vaultFile);
  t.ok(
    (await createVault({ home: empty, password: 'new' })).recoveryCode,
    'what a killed init left is made anew',
  );
  t.equal(filesOf(homePaths(empty).slots).length, 2, 'its slots are gone');
});
