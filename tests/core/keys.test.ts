// The keys of a vault. Source: src/core/keys.ts.
import t from 'tap';
import type { VaultId } from '../../src/core/ids.js';
import type { VaultKeys } from '../../src/core/keys.js';
import { deriveKeys, plainIdOf, wipeKeys } from '../../src/core/keys.js';
import { noise } from './samples.js';
import { hkdf } from './twins/hkdf.js';
import { fromHex, toHex } from './vectors.js';

const master = noise('master', 32);
const vaultId = '00112233445566778899aabbccddeeff' as VaultId;
const purposes: readonly (keyof VaultKeys)[] = ['dedup', 'object', 'chunker', 'signing', 'name'];

t.test('each key is HKDF of the master key for its one purpose', async (t) => {
  const keys = deriveKeys(master, vaultId);
  t.same(Object.keys(keys), purposes);
  for (const purpose of purposes) {
    t.same(keys[purpose], hkdf(master, fromHex(vaultId), `disktro/v1/${purpose}`, 32), purpose);
  }
});

t.test('no two keys are alike, in one vault or in two with the same master key', async (t) => {
  const other = '10112233445566778899aabbccddeeff' as VaultId;
  const all = [deriveKeys(master, vaultId), deriveKeys(master, other)].flatMap((keys) => Object.values(keys));
  t.equal(new Set(all.map(toHex)).size, 10);
});

t.test('wiped keys are zeros', async (t) => {
  const keys = deriveKeys(master, vaultId);
  wipeKeys(keys);
  for (const purpose of purposes) t.same(keys[purpose], Buffer.alloc(32), purpose);
});

t.test('a plain id is HMAC-SHA256, here case 2 of RFC 4231', async (t) => {
  const id = plainIdOf(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'));
  t.equal(id, '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
});

t.test('one plaintext has another plain id in another vault', async (t) => {
  const text = Buffer.from('the same in both');
  t.not(plainIdOf(noise('dedup 1', 32), text), plainIdOf(noise('dedup 2', 32), text));
});
