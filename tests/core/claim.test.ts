// What shows a peer that a secret is known. Source: src/core/slot.ts, src/core/seed-key.ts.
import { createHmac } from 'node:crypto';
import t from 'tap';
import { formatRecoveryCode } from '../../src/core/recovery-code.js';
import {
  isSignedByRaw,
  privateKeyOfSeed,
  rawPublicKeyOfSeed,
  signWithSeed,
} from '../../src/core/seed-key.js';
import { claimSeed, openSlot, recoveryClaim, sealSlot } from '../../src/core/slot.js';
import type { SlotHeader } from '../../src/core/slot-shape.js';
import { MIB } from '../../src/limits.js';
import { noise } from './samples.js';
import { vaultId } from './vault-of-tests.js';

const header: SlotHeader = {
  v: 1,
  id: '0123456789abcdef',
  kind: 'password',
  kdf: 'argon2id',
  salt: noise('salt', 16).toString('hex'),
  opslimit: 2,
  memlimit: 64 * MIB,
  label: '',
  created: '2026-01-02T03:04:05.678Z',
};
const recovery: SlotHeader = { ...header, kind: 'recovery', kdf: 'hkdf', opslimit: 0, memlimit: 0 };
const masterKey = noise('master', 32);
const nonce = noise('nonce', 24);

t.test('a seed is the key that RFC 8032, section 7.1, test 1 says', async (t) => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
  t.equal(rawPublicKeyOfSeed(seed).toString('hex'), publicKey);
  const signature = signWithSeed(seed, Buffer.alloc(0));
  t.match(signature.toString('hex'), /^e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155/);
  t.ok(isSignedByRaw(Buffer.from(publicKey, 'hex'), Buffer.alloc(0), signature));
  t.notOk(isSignedByRaw(Buffer.from(publicKey, 'hex'), Buffer.from('x'), signature));
  for (const [key, signed] of [
    [Buffer.alloc(0), signature],
    [Buffer.from(publicKey, 'hex'), signature.subarray(1)],
    [Buffer.alloc(33), signature],
  ] as const) {
    t.notOk(isSignedByRaw(key, Buffer.from('x'), signed));
  }
  t.throws(() => privateKeyOfSeed(Buffer.alloc(31)), RangeError);
});

t.test('a password proves itself to the claim of its slot, and no other one does', async (t) => {
  const slot = await sealSlot(header, vaultId, 'right', masterKey, nonce);
  t.equal(slot.claim?.length, 64);
  const message = Buffer.from('exporter');
  const proofOf = async (password: string): Promise<Buffer> =>
    signWithSeed(await claimSeed(header, password), message);
  const claim = Buffer.from(slot.claim ?? '', 'hex');
  t.ok(isSignedByRaw(claim, message, await proofOf('right')));
  t.notOk(isSignedByRaw(claim, message, await proofOf('wrong')));
});

t.test('a recovery code finds its slot, however it is typed and whatever the salt', async (t) => {
  const bytes = noise('code', 16);
  const code = formatRecoveryCode(bytes);
  const slot = await sealSlot(recovery, vaultId, code, masterKey, nonce);
  t.equal(slot.claim, recoveryClaim(code.toLowerCase().replaceAll('-', ' '))?.toString('hex'));
  // HKDF as RFC 5869 has it, written down again.
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(bytes).digest();
  const expanded = createHmac('sha256', extracted).update('disktro/v1/claim\u0001').digest();
  t.equal(slot.claim, expanded.subarray(0, 16).toString('hex'));
  t.equal(recoveryClaim('no code'), undefined);
});

t.test('a slot without a claim opens as before, and the claim opens nothing', async (t) => {
  const code = formatRecoveryCode(noise('code', 16));
  const { claim, ...old } = await sealSlot(recovery, vaultId, code, masterKey, nonce);
  t.same(Buffer.from(await openSlot(old, vaultId, code)), masterKey);
  t.notMatch(JSON.stringify(old), claim ?? 'no claim');
});

t.test('costs out of bounds are refused before any work', async (t) => {
  for (const costs of [
    { memlimit: 1024 ** 4 },
    { opslimit: 1_000_000 },
    { memlimit: 8 * MIB },
    { opslimit: 1 },
  ]) {
    await t.rejects(() => claimSeed({ ...header, ...costs }, 'right'), { code: 'E_SLOT_PARAMETERS' });
  }
});
