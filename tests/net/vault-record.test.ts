// A vault's public record: its form and its signature. Source: src/net/vault-record.ts.
import t from 'tap';
import { privateKeyOfSeed, spkiOfSeed } from '../../src/core/seed-key.js';
import type { VaultRecord } from '../../src/net/vault-record.js';
import { isSignedByVault, signVaultRecord, verifyVaultRecord } from '../../src/net/vault-record.js';

const seed = Buffer.alloc(32, 7);
const record: VaultRecord = {
  v: 1,
  id: 'ab'.repeat(16) as VaultRecord['id'],
  verify_key: spkiOfSeed(seed).toString('base64'),
  version: 3,
  vault_file: { v: 1 },
  slots: [{ id: 'x' }],
};
const key = privateKeyOfSeed(seed);
const signed = signVaultRecord(record, key);

t.test('what a vault has signed is taken, with fields that are not known yet', async (t) => {
  t.same(verifyVaultRecord(signed), { record: signed });
  const later = signVaultRecord({ ...record, later: 'field' } as VaultRecord, key);
  t.ok('record' in verifyVaultRecord(later));
});

t.test('refuses what is changed, unsigned, or of another form', async (t) => {
  const other = privateKeyOfSeed(Buffer.alloc(32, 8));
  const sign = (fields: object): unknown => signVaultRecord({ ...record, ...fields } as VaultRecord, key);
  const cases: [string, unknown, RegExp][] = [
    ['nothing', null, /not an object/],
    ['a list', [], /not an object/],
    ['another version of the form', sign({ v: 2 }), /^v /],
    ['an id that is none', sign({ id: '../x' }), /^id /],
    ['no slots', sign({ slots: [] }), /^slots /],
    ['nine slots', sign({ slots: Array.from({ length: 9 }, () => ({})) }), /^slots /],
    ['a slot that is none', sign({ slots: ['x'] }), /^slots /],
    ['a version of 0', sign({ version: 0 }), /^version /],
    ['a version that is no integer', { ...signed, version: 1.5 }, /^version /],
    ['a long authority', sign({ authority: 'x'.repeat(16 * 1024 + 1) }), /^authority /],
    ['more than 64 KiB', sign({ vault_file: { x: 'y'.repeat(64 * 1024) } }), /too long/],
    ['a key that is none', sign({ verify_key: 'AAAA' }), /verify_key/],
    ['another spelling of the key', sign({ verify_key: `${record.verify_key}\n` }), /verify_key/],
    ['no signature', record, /signature/],
    ["another key's signature", signVaultRecord(record, other), /signature does not fit/],
    ['a changed field', { ...signed, version: 4 }, /signature does not fit/],
    ['an added field', { ...signed, later: 1 }, /signature does not fit/],
    ['a fraction inside', { ...signed, vault_file: { x: 0.5 } }, /canonical/],
  ];
  for (const [what, json, refusal] of cases) t.match(verifyVaultRecord(json), { refusal }, what);
});

t.test("a request is the vault's only for its purpose, its fields and its key", async (t) => {
  const order = { vault: record.id, ids: [], issued_ms: 1 };
  const signature = signVaultRecord(record, key).signature;
  t.notOk(isSignedByVault('delete', order, record.verify_key, signature));
  t.notOk(isSignedByVault('delete', order, 'no key', signature));
  const { signature: _, ...unsigned } = signed;
  t.ok(isSignedByVault('vault', unsigned, record.verify_key, signed.signature));
  t.notOk(isSignedByVault('delete', unsigned, record.verify_key, signed.signature));
});
