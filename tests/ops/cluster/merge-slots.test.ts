// What two machines of one vault make of each other's key changes. Source: src/ops/cluster/vault-record.ts.
import t from 'tap';
import type { Slot } from '../../../src/core/slot-shape.js';
import { mergeSlots } from '../../../src/ops/cluster/vault-record.js';

const slots = (ids: string): Slot[] => [...ids].map((id) => ({ id }) as Slot);

/** Here, agreed on last, told by the others, and what comes out. */
const CASES: readonly [string, string, string | undefined, string, string][] = [
  ['nothing is known yet', 'ab', undefined, '', 'ab'],
  ['nothing has changed', 'ab', 'ab', 'ab', 'ab'],
  ['one was added here', 'abc', 'ab', 'ab', 'abc'],
  ['one was added there', 'ab', 'ab', 'abc', 'abc'],
  ['one was removed here', 'a', 'ab', 'ab', 'a'],
  ['one was removed there', 'ab', 'ab', 'a', 'a'],
  ['the password was changed here', 'ac', 'ab', 'ab', 'ac'],
  ['the password was changed there', 'ab', 'ab', 'ac', 'ac'],
  ['both have changed it', 'ac', 'ab', 'ad', 'adc'],
  ['this machine has never agreed', 'ab', undefined, 'ac', 'acb'],
  ['all were replaced on both sides, and none is left', 'b', 'ab', 'a', 'b'],
  ['together they are too many', 'abcde', 'a', 'afghij', 'abcde'],
];

for (const [what, here, agreed, known, merged] of CASES) {
  t.test(what, async (t) => {
    const result = mergeSlots(slots(here), agreed === undefined ? undefined : [...agreed], slots(known));
    t.equal(result.map(({ id }) => id).join(''), merged);
  });
}
