// Password work as jobs. Source: src/core/unlock.ts.
import t from 'tap';
import { formatRecoveryCode } from '../../src/core/recovery-code.js';
import type { Slot, SlotHeader } from '../../src/core/slot-shape.js';
import type { Unlocked } from '../../src/core/unlock.js';
import { runPasswordJob } from '../../src/core/unlock.js';
import { noise } from './samples.js';
import { vaultId } from './vault-of-tests.js';

const masterKey = noise('master key', 32);
const secret = formatRecoveryCode(noise('recovery', 16));

async function makeSlot(id: string, code: string, key = masterKey): Promise<Slot> {
  const header: SlotHeader = {
    v: 1,
    id,
    kind: 'recovery',
    kdf: 'hkdf',
    salt: '00'.repeat(16),
    opslimit: 0,
    memlimit: 0,
    label: 'recovery code',
    created: '2026-01-02T03:04:05.678Z',
  };
  const job = {
    type: 'seal-slot',
    vaultId,
    secret: code,
    header,
    masterKey: key,
    nonce: noise(id, 24),
  } as const;
  return (await runPasswordJob(job)) as Slot;
}

const unlock = async (slots: readonly Slot[]): Promise<Unlocked> =>
  (await runPasswordJob({ type: 'unlock', vaultId, secret, slots })) as Unlocked;

const good = await makeSlot('a000000000000001', secret);
const other = await makeSlot('a000000000000002', formatRecoveryCode(noise('other', 16)));
const cheap: Slot = {
  ...good,
  id: 'a000000000000003',
  kind: 'password',
  kdf: 'argon2id',
  opslimit: 1,
  memlimit: 1,
};
const damaged: Slot = { ...good, wrapped: '00'.repeat(48) };

t.test('the slot that the secret fits is found among others', async (t) => {
  for (const slots of [[good], [good, other], [other, good], [other, other, good]]) {
    const { masterKey: key, slotId } = await unlock(slots);
    t.same(Buffer.from(key), masterKey);
    t.equal(slotId, good.id);
  }
});

t.test('a broken slot does not stand in the way of a good one', async (t) => {
  for (const slots of [
    [cheap, good],
    [damaged, good],
    [cheap, damaged, other, good],
  ]) {
    t.equal((await unlock(slots)).slotId, good.id);
  }
});

t.test('without a slot that fits, the password is wrong', async (t) => {
  await t.rejects(unlock([]), { name: 'DisktroError', code: 'E_WRONG_PASSWORD' });
  await t.rejects(unlock([other]), { code: 'E_WRONG_PASSWORD' });
});

t.test('damage is told when the secret fits a damaged slot', async (t) => {
  for (const slots of [[damaged], [other, damaged], [damaged, other], [cheap, other, damaged]]) {
    await t.rejects(unlock(slots), { name: 'DisktroError', code: 'E_SLOT_DAMAGED' });
  }
});

t.test(
  'a slot whose costs are refused hides no wrong password, and is told when there is no other',
  async (t) => {
    await t.rejects(unlock([cheap, other]), { code: 'E_WRONG_PASSWORD' });
    await t.rejects(unlock([other, cheap]), { code: 'E_WRONG_PASSWORD' });
    await t.rejects(unlock([cheap]), { code: 'E_SLOT_PARAMETERS' });
  },
);

t.test('the master key that comes back is the one that was sealed', async (t) => {
  const zeros = await makeSlot('a000000000000004', secret, Buffer.alloc(32));
  t.same(Buffer.from((await unlock([zeros])).masterKey), Buffer.alloc(32));
});
