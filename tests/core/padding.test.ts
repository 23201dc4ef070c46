// Padmé: what lengths become. Source: src/core/padding.ts. Vectors: padme.json.
import fc from 'fast-check';
import t from 'tap';
import { padmeLength } from '../../src/core/padding.js';
import type { PadmeVectors } from './makers/padme-vectors.js';
import { padmeVectors } from './makers/padme-vectors.js';
import { holds } from './properties.js';
import { padme } from './twins/padme.js';
import { readVectors } from './vectors.js';

const vectors = readVectors<PadmeVectors>('padme');
const lengths = fc.oneof(
  fc.nat({ max: 4096 }),
  fc.nat({ max: 2 ** 31 - 1 }),
  fc.maxSafeNat().map((n) => n % 2 ** 40),
);

t.test('the table in fixtures is what the twin computes', async (t) => {
  t.same(vectors, padmeVectors());
  t.ok(vectors.table.length > 250);
});

t.test('every length of the table is padded as it says', async (t) => {
  const found = vectors.table.map(([length]) => [length, padmeLength(length)]);
  t.same(found, vectors.table);
});

t.test('every length up to 20,000 is padded as the twin does it', async (t) => {
  const wrong = Array.from({ length: 20_000 }, (_, length) => length).filter(
    (length) => padmeLength(length) !== Number(padme(BigInt(length))),
  );
  t.same(wrong, []);
});

t.test('lengths around every power of two up to 2^40 are padded as the twin does it', async (t) => {
  for (let power = 1; power <= 2 ** 40; power *= 2) {
    for (const length of [power - 1, power, power + 1]) {
      if (length <= 2 ** 40) t.equal(padmeLength(length), Number(padme(BigInt(length))), `${length}`);
    }
  }
});

holds(
  'a length is padded as the twin does it',
  [lengths],
  (length) => padmeLength(length) === Number(padme(BigInt(length))),
  2000,
);

holds(
  'at most 12 % is added',
  [lengths],
  (length) => (padmeLength(length) - length) * 100 <= length * 12,
  2000,
);

holds(
  'at most 3.2 % is added from 1 MiB on',
  [fc.integer({ min: 2 ** 20, max: 2 ** 40 })],
  (length) => (padmeLength(length) - length) * 1000 <= length * 32,
  2000,
);

holds('nothing is ever taken away', [lengths], (length) => padmeLength(length) >= length, 2000);

holds(
  'a longer length is never padded to less',
  [lengths, lengths],
  (a, b) => padmeLength(Math.min(a, b)) <= padmeLength(Math.max(a, b)),
  2000,
);

holds(
  'a padded length is left as it is',
  [lengths],
  (length) => {
    const padded = padmeLength(length);
    return padmeLength(padded) === padded;
  },
  2000,
);

t.test('lengths up to 64 MiB fall into few classes', async (t) => {
  const classes = new Set<number>();
  for (let length = 2 ** 20; length <= 2 ** 26; length += 997) classes.add(padmeLength(length));
  t.ok(classes.size <= 32 * 6 + 1, `${classes.size} classes from 1 MiB to 64 MiB`);
});
