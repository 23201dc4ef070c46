// Names of things. Source: src/core/ids.ts.
import t from 'tap';
import {
  idToBytes,
  isStoreId,
  isVaultId,
  plainIdFromBytes,
  storeIdFromBytes,
  vaultIdFromBytes,
} from '../../src/core/ids.js';
import { noise } from './samples.js';

const digits = '0123456789abcdef'.repeat(4);

t.test('a store id is 64 lower-case hex digits and nothing else', async (t) => {
  t.ok(isStoreId(digits));
  const wrong = [
    '',
    digits.slice(1),
    `${digits}0`,
    digits.toUpperCase(),
    digits.replace('0', 'g'),
    ` ${digits.slice(1)}`,
    `${digits}\n`,
    `${digits.slice(0, 63)}\n`,
    `../${digits.slice(3)}`,
    `0x${digits.slice(2)}`,
    `${digits.slice(0, 63)}\u0661`,
  ];
  for (const text of wrong) t.notOk(isStoreId(text), JSON.stringify(text));
});

t.test('a vault id is 32 lower-case hex digits and nothing else', async (t) => {
  const id = digits.slice(0, 32);
  t.ok(isVaultId(id));
  const wrong = ['', id.slice(1), `${id}0`, digits, id.toUpperCase(), `${id}\n`, id.replace('0', '-')];
  for (const text of wrong) t.notOk(isVaultId(text), JSON.stringify(text));
});

t.test('ids come out of bytes and go back into them', async (t) => {
  const bytes = noise('id', 32);
  t.same(idToBytes(storeIdFromBytes(bytes)), bytes);
  t.same(idToBytes(plainIdFromBytes(bytes)), bytes);
  t.same(idToBytes(vaultIdFromBytes(bytes.subarray(0, 16))), bytes.subarray(0, 16));
  t.ok(isStoreId(storeIdFromBytes(bytes)));
  t.ok(isVaultId(vaultIdFromBytes(bytes.subarray(3, 19))), 'also from the middle of a buffer');
});

t.test('bytes of another length are refused', async (t) => {
  for (const length of [0, 31, 33, 64]) {
    t.throws(
      () => storeIdFromBytes(Buffer.alloc(length)),
      { code: 'E_MANIFEST_INVALID' },
      `store id, ${length}`,
    );
    t.throws(
      () => plainIdFromBytes(Buffer.alloc(length)),
      { code: 'E_MANIFEST_INVALID' },
      `plain id, ${length}`,
    );
  }
  for (const length of [0, 15, 17, 32]) {
    t.throws(
      () => vaultIdFromBytes(Buffer.alloc(length)),
      { code: 'E_MANIFEST_INVALID' },
      `vault id, ${length}`,
    );
  }
});
