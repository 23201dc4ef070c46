// The gear table of a vault. Source: src/core/gear.ts.
import t from 'tap';
import { GEAR_WORDS, gearTable } from '../../src/core/gear.js';
import { noise } from './samples.js';
import { hkdf } from './twins/hkdf.js';

t.test('the table is HKDF of the chunker key, read little-endian', async (t) => {
  const key = noise('chunker', 32);
  const bytes = hkdf(key, Buffer.alloc(0), 'disktro/v1/gear', 1024);
  const table = gearTable(key);
  t.equal(table.length, GEAR_WORDS);
  t.same(
    Array.from(table),
    Array.from({ length: 256 }, (_, index) => bytes.readUInt32LE(index * 4)),
  );
});

t.test('two vaults share no word of their tables', async (t) => {
  const first = gearTable(noise('vault 1', 32));
  const second = gearTable(noise('vault 2', 32));
  const shared = first.filter((word, index) => word === second[index]);
  t.equal(shared.length, 0);
});

t.test('one key gives one table', async (t) => {
  t.same(gearTable(noise('vault 1', 32)), gearTable(noise('vault 1', 32)));
});
