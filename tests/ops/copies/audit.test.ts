// What an audit may conclude, and what it may ask for. Source: src/ops/copies/audit.ts.
import t from 'tap';
import type { StoreId } from '../../../src/core/ids.js';
import { confidenceOf, randomRange } from '../../../src/ops/copies/audit.js';

t.test('confidence is that of the formula, and each failure costs some of it', async (t) => {
  t.equal(confidenceOf(0, 0), 0);
  t.ok(confidenceOf(458, 0) < 0.99 && confidenceOf(459, 0) >= 0.99, '459 samples show 1 % at 99 %');
  for (const checked of [1, 10, 459, 5_000])
    t.ok(Math.abs(confidenceOf(checked, 0) - (1 - 0.99 ** checked)) < 1e-12, `${checked}`);
  t.ok(confidenceOf(459, 1) < confidenceOf(459, 0));
  t.ok(confidenceOf(459, 5) < 0.6 && confidenceOf(459, 459) < 1e-9, 'when all fail there is none');
});

t.test('every byte of an object is in a range that may be asked for', async (t) => {
  for (const bytes of [1, 65_535, 65_536, 65_537, 200_000]) {
    const seen = new Set<number>();
    for (let n = 0; n < 300; n++) {
      const { offset, length } = randomRange({ id: 'a'.repeat(64) as StoreId, bytes });
      if (length < 1 || length > 65_536 || offset + length > bytes) t.fail(`${offset}+${length} of ${bytes}`);
      seen.add(offset);
    }
    t.equal(seen.size, Math.ceil(bytes / 65_536), `all blocks of ${bytes} bytes`);
  }
});
