// The master key under a password or a recovery code. Source: src/core/slot.ts.
import t from 'tap';
import { argon2id } from '../../src/core/argon2id.js';
import { hmacSha256 } from '../../src/core/hashes.js';
import { unwrap, WRAP_NONCE_BYTES } from '../../src/core/key-wrap.js';
import { MASTER_KEY_BYTES } from '../../src/core/keys.js';
import { formatRecoveryCode } from '../../src/core/recovery-code.js';
import { checkParameters, openSlot, sealSlot } from '../../src/core/slot.js';
import type { Slot, SlotHeader } from '../../src/core/slot-shape.js';
import { MIB } from '../../src/limits.js';
import { noise } from './samples.js';
import { hkdf } from './twins/hkdf.js';
import { otherVaultId, vaultId } from './vault-of-tests.js';
import { fromHex, toHex } from './vectors.js';

const masterKey = noise('master key', MASTER_KEY_BYTES);
const nonce = noise('nonce', WRAP_NONCE_BYTES);
const PASSWORD = 'correct horse battery staple';
const CODE = formatRecoveryCode(noise('recovery', 16));

const passwordHeader: SlotHeader = {
  v: 1,
  id: '0123456789abcdef',
  kind: 'password',
  kdf: 'argon2id',
  salt: toHex(noise('slot salt', 16)),
  opslimit: 2,
  memlimit: 64 * MIB,
  label: 'first password',
  created: '2026-01-02T03:04:05.678Z',
};
const recoveryHeader: SlotHeader = {
  ...passwordHeader,
  kind: 'recovery',
  kdf: 'hkdf',
  opslimit: 0,
  memlimit: 0,
};

const passwordSlot = await sealSlot(passwordHeader, vaultId, PASSWORD, masterKey, nonce);
const recoverySlot = await sealSlot(recoveryHeader, vaultId, CODE, masterKey, nonce);

const flipHex = (digits: string, at: number): string => {
  const bytes = fromHex(digits);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return toHex(bytes);
};

t.test('a password opens its slot', async (t) => {
  t.same(Buffer.from(await openSlot(passwordSlot, vaultId, PASSWORD)), masterKey);
});

t.test('a recovery code opens its slot, however it is typed', async (t) => {
  for (const typed of [CODE, CODE.toLowerCase(), CODE.replaceAll('-', ' '), ` ${CODE}\n`]) {
    t.same(Buffer.from(await openSlot(recoverySlot, vaultId, typed)), masterKey);
  }
});

/** The header as FORMAT.md binds it, written down again. */
function boundHeader(slot: Slot): Buffer {
  const { v, id, kind, kdf, salt, opslimit, memlimit, label, created } = slot;
  const fields = [
    'disktro slot',
    vaultId,
    `${v}`,
    id,
    kind,
    kdf,
    salt,
    `${opslimit}`,
    `${memlimit}`,
    label,
    created,
  ];
  return Buffer.concat(
    fields.flatMap((field) => {
      const text = Buffer.from(field, 'utf8');
      return [Buffer.from(Uint32Array.of(text.byteLength).buffer), text];
    }),
  );
}

t.test('check and wrapped are what FORMAT.md says', async (t) => {
  const materials = [
    [passwordSlot, await argon2id(Buffer.from(PASSWORD), fromHex(passwordSlot.salt), 2, 64 * MIB)],
    [recoverySlot, noise('recovery', 16)],
  ] as const;
  for (const [slot, material] of materials) {
    const bound = boundHeader(slot);
    const commit = hkdf(material, fromHex(slot.salt), 'disktro/v1/slot-commit', 32);
    const wrap = hkdf(material, fromHex(slot.salt), 'disktro/v1/slot-wrap', 32);
    t.equal(slot.check, toHex(hmacSha256(commit, bound)), `${slot.kind}: check`);
    t.equal(slot.nonce, toHex(nonce));
    t.same(Buffer.from(unwrap(wrap, nonce, fromHex(slot.wrapped), bound) ?? []), masterKey, 'wrapped');
  }
});

t.test('the master key and the password are nowhere in a slot', async (t) => {
  const json = JSON.stringify([passwordSlot, recoverySlot]);
  for (const secret of [toHex(masterKey), PASSWORD, CODE, CODE.replaceAll('-', '')])
    t.notOk(json.includes(secret));
});

t.test('a wrong password is told apart from damage', async (t) => {
  for (const wrong of ['', 'wrong', `${PASSWORD} `, PASSWORD.toUpperCase(), CODE]) {
    const open = (): Promise<unknown> => openSlot(passwordSlot, vaultId, wrong);
    await t.rejects(open, { name: 'DisktroError', code: 'E_WRONG_PASSWORD' }, JSON.stringify(wrong));
  }
});

t.test('what is no recovery code, or another one, is a wrong one', async (t) => {
  for (const wrong of ['', PASSWORD, CODE.slice(1), formatRecoveryCode(noise('another', 16))]) {
    const open = (): Promise<unknown> => openSlot(recoverySlot, vaultId, wrong);
    await t.rejects(open, { name: 'DisktroError', code: 'E_WRONG_PASSWORD' }, JSON.stringify(wrong));
  }
});

/** Every field of the header, changed in a way that is still allowed. */
const changes: Readonly<Record<string, Partial<Slot>>> = {
  v: { v: 2 as 1 },
  id: { id: 'fedcba9876543210' },
  salt: { salt: flipHex(passwordHeader.salt, 15) },
  label: { label: 'first passwore' },
  'label, made empty': { label: '' },
  'label, with a letter of the time': { label: 'first password2', created: passwordHeader.created.slice(1) },
  created: { created: '2026-01-02T03:04:05.679Z' },
  check: { check: flipHex(passwordSlot.check, 0) },
  'check, made empty': { check: '' },
  'check, cut off': { check: passwordSlot.check.slice(0, 62) },
};

for (const [name, change] of Object.entries(changes)) {
  t.test(`a changed ${name} is a wrong password`, async (t) => {
    const check = name.startsWith('check') ? change : { ...change, check: recoverySlot.check };
    const changed = { ...recoverySlot, ...check };
    await t.rejects(() => openSlot(changed, vaultId, CODE), {
      name: 'DisktroError',
      code: 'E_WRONG_PASSWORD',
    });
  });
}

t.test('changed costs that are still allowed are a wrong password', async (t) => {
  const stronger = { ...passwordSlot, opslimit: 3 };
  await t.rejects(() => openSlot(stronger, vaultId, PASSWORD), { code: 'E_WRONG_PASSWORD' });
  const larger = { ...passwordSlot, memlimit: 65 * MIB };
  await t.rejects(() => openSlot(larger, vaultId, PASSWORD), { code: 'E_WRONG_PASSWORD' });
});

t.test('a slot moved to another vault is a wrong password', async (t) => {
  await t.rejects(() => openSlot(recoverySlot, otherVaultId, CODE), { code: 'E_WRONG_PASSWORD' });
});

t.test('a password slot relabelled as a recovery slot is refused, and the other way round', async (t) => {
  const swapped: [Partial<Slot>, Slot][] = [
    [{ kind: 'recovery' }, passwordSlot],
    [{ kdf: 'hkdf' }, passwordSlot],
    [{ kind: 'recovery', kdf: 'hkdf' }, passwordSlot],
    [{ kind: 'password' }, recoverySlot],
    [{ kdf: 'argon2id' }, recoverySlot],
    [{ opslimit: 2 }, recoverySlot],
    [{ memlimit: 64 * MIB }, recoverySlot],
  ];
  for (const [change, slot] of swapped) {
    const open = (): Promise<unknown> => openSlot({ ...slot, ...change }, vaultId, PASSWORD);
    await t.rejects(open, { name: 'DisktroError', code: 'E_SLOT_PARAMETERS' }, JSON.stringify(change));
  }
  const whole = { ...passwordSlot, kind: 'recovery', kdf: 'hkdf', opslimit: 0, memlimit: 0 } as const;
  await t.rejects(() => openSlot(whole, vaultId, CODE), { code: 'E_WRONG_PASSWORD' }, 'with costs to match');
});

t.test('every flipped bit of the wrapped key and of its nonce is damage', async (t) => {
  const missed: string[] = [];
  for (const field of ['wrapped', 'nonce'] as const) {
    for (let bit = 0; bit < recoverySlot[field].length * 4; bit++) {
      const bytes = fromHex(recoverySlot[field]);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        await openSlot({ ...recoverySlot, [field]: toHex(bytes) }, vaultId, CODE);
        missed.push(`bit ${bit} of ${field}`);
      } catch (error) {
        if ((error as { code?: string }).code !== 'E_SLOT_DAMAGED')
          missed.push(`bit ${bit} of ${field}: ${error}`);
      }
    }
  }
  t.same(missed, []);
});

t.test('a wrapped key or nonce of another length is damage', async (t) => {
  for (const change of [
    { wrapped: '' },
    { wrapped: recoverySlot.wrapped.slice(2) },
    { wrapped: `${recoverySlot.wrapped}00` },
    { nonce: '' },
    { nonce: recoverySlot.nonce.slice(2) },
  ]) {
    const open = (): Promise<unknown> => openSlot({ ...recoverySlot, ...change }, vaultId, CODE);
    await t.rejects(open, { name: 'DisktroError', code: 'E_SLOT_DAMAGED' }, JSON.stringify(change));
  }
});

t.test('a damaged password slot is told apart from a wrong password', async (t) => {
  const damaged = { ...passwordSlot, wrapped: flipHex(passwordSlot.wrapped, 47) };
  await t.rejects(() => openSlot(damaged, vaultId, PASSWORD), { code: 'E_SLOT_DAMAGED' });
  await t.rejects(() => openSlot(damaged, vaultId, 'wrong'), { code: 'E_WRONG_PASSWORD' });
});

const hostile: readonly [string, Partial<SlotHeader>][] = [
  ['memory below 64 MiB', { memlimit: 64 * MIB - 1 }],
  ['memory of nothing', { memlimit: 0 }],
  ['negative memory', { memlimit: -1 }],
  ['memory above 1 GiB', { memlimit: 1024 * MIB + 1 }],
  ['memory of 2^53', { memlimit: 2 ** 53 }],
  ['memory without end', { memlimit: Number.POSITIVE_INFINITY }],
  ['memory that is no number', { memlimit: Number.NaN }],
  ['memory with a fraction', { memlimit: 64 * MIB + 0.5 }],
  ['memory as text', { memlimit: `${64 * MIB}` as unknown as number }],
  ['memory that is missing', { memlimit: undefined as unknown as number }],
  ['1 pass', { opslimit: 1 }],
  ['17 passes', { opslimit: 17 }],
  ['no passes', { opslimit: 0 }],
  ['negative passes', { opslimit: -2 }],
  ['2^32 + 2 passes', { opslimit: 2 ** 32 + 2 }],
  ['passes without end', { opslimit: Number.POSITIVE_INFINITY }],
  ['passes that are no number', { opslimit: Number.NaN }],
  ['two passes and a half', { opslimit: 2.5 }],
  ['passes as text', { opslimit: '2' as unknown as number }],
  ['passes that are missing', { opslimit: undefined as unknown as number }],
  ['another KDF', { kdf: 'scrypt' as 'argon2id' }],
  ['no KDF', { kdf: undefined as unknown as 'argon2id' }],
  ['the KDF of recovery codes', { kdf: 'hkdf' }],
];

t.test('hostile parameters are refused without doing the work', async (t) => {
  const start = performance.now();
  for (const [name, change] of hostile) {
    const error = { name: 'DisktroError', code: 'E_SLOT_PARAMETERS' };
    await t.rejects(() => openSlot({ ...passwordSlot, ...change }, vaultId, PASSWORD), error, name);
    await t.rejects(
      () => sealSlot({ ...passwordHeader, ...change }, vaultId, PASSWORD, masterKey, nonce),
      error,
      'nor sealed',
    );
  }
  const tookMs = performance.now() - start;
  t.ok(tookMs < 2000, `${Math.round(tookMs)} ms for all of them`);
});

t.test('costs at the bounds are allowed', async (t) => {
  for (const opslimit of [2, 16]) {
    for (const memlimit of [64 * MIB, 1024 * MIB]) {
      t.doesNotThrow(() => checkParameters({ ...passwordHeader, opslimit, memlimit }));
    }
  }
});

t.test('a password opens whichever way its letters were composed', async (t) => {
  const slot = await sealSlot(passwordHeader, vaultId, 'p\u00e4ssw\u00f6rd', masterKey, nonce);
  t.same(Buffer.from(await openSlot(slot, vaultId, 'pa\u0308sswo\u0308rd')), masterKey);
  await t.rejects(() => openSlot(slot, vaultId, 'password'), { code: 'E_WRONG_PASSWORD' });
});

t.test('a key or nonce of the wrong length is not sealed', async (t) => {
  await t.rejects(() => sealSlot(recoveryHeader, vaultId, CODE, masterKey.subarray(1), nonce), RangeError);
  await t.rejects(() => sealSlot(recoveryHeader, vaultId, CODE, masterKey, nonce.subarray(1)), RangeError);
  await t.rejects(
    () => sealSlot(recoveryHeader, vaultId, PASSWORD, masterKey, nonce),
    RangeError,
    'nor what is no code',
  );
});

t.test('two nonces or two salts give two slots', async (t) => {
  const other = await sealSlot(recoveryHeader, vaultId, CODE, masterKey, noise('another nonce', 24));
  t.not(other.wrapped, recoverySlot.wrapped);
  const salted = await sealSlot(
    { ...recoveryHeader, salt: '00'.repeat(16) },
    vaultId,
    CODE,
    masterKey,
    nonce,
  );
  t.not(salted.check, recoverySlot.check);
  t.not(salted.wrapped, recoverySlot.wrapped);
});
