// Digests of groups of ids. Source: src/net/digest.ts.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import {
  DIGEST_GROUPS,
  differingGroups,
  digestGroupOf,
  digestGroups,
  digestsFromJson,
  digestsToJson,
  spansOf,
} from '../../src/net/digest.js';
import { holds } from '../core/properties.js';

/** Ids that often share a group. */
const id = fc
  .tuple(fc.constantFrom('000', '001', 'abc', 'fff'), fc.nat({ max: 30 }))
  .map(([group, rest]) => (group + rest.toString(16).padStart(61, '0')) as StoreId);
const ids = fc.uniqueArray(id, { maxLength: 40 }).map((list) => list.sort());

holds('a digest is the SHA-256 of the ids of its group, and counts them', [ids], (list) => {
  const digests = digestGroups(list);
  return [...new Set(list.map(digestGroupOf))].every((group) => {
    const own = list.filter((id) => digestGroupOf(id) === group);
    const digest = createHash('sha256')
      .update(Buffer.from(own.join(''), 'hex'))
      .digest('hex');
    return digests.get(group)?.digest === digest && digests.get(group)?.count === own.length;
  });
});

holds(
  'spans hold all groups asked for, in order, and no more ids than allowed unless of one group',
  [ids, ids, fc.nat({ max: 8 })],
  (mine, theirs, most) => {
    const sizes = [digestGroups(mine), digestGroups(theirs)];
    const groups = differingGroups(digestGroups(mine), digestGroups(theirs));
    const spans = spansOf(groups, sizes, most);
    const isWithin = (group: number, { first, last }: { first: number; last: number }) =>
      first <= group && group <= last;
    const isHeld = groups.every((group) => spans.filter((span) => isWithin(group, span)).length === 1);
    const isSmall = spans.every(
      (span) =>
        span.first === span.last ||
        [mine, theirs].every((list) => list.filter((id) => isWithin(digestGroupOf(id), span)).length <= most),
    );
    const isAscending = spans.every(
      ({ first, last }, at) => first <= last && (at === 0 || first > (spans[at - 1]?.last ?? 0)),
    );
    return isHeld && isSmall && isAscending;
  },
);

t.test('a thousand groups of one object each are few spans', async (t) => {
  const sparse = Array.from(
    { length: 1000 },
    (_, at) => (at * 4).toString(16).padStart(3, '0').padEnd(64, '7') as StoreId,
  );
  const digests = digestGroups(sparse);
  t.same(spansOf([...digests.keys()], [digests], 500), [
    { first: 0, last: 499 * 4 },
    { first: 500 * 4, last: 999 * 4 },
  ]);
});

holds('exactly the groups that differ are named, ascending', [ids, ids], (mine, theirs) => {
  const changed = [
    ...mine.filter((id) => !theirs.includes(id)),
    ...theirs.filter((id) => !mine.includes(id)),
  ];
  const expected = [...new Set(changed.map(digestGroupOf))].sort((a, b) => a - b);
  return differingGroups(digestGroups(mine), digestGroups(theirs)).join() === expected.join();
});

holds('digests survive the wire', [ids], (list) => {
  const digests = digestGroups(list);
  const read = digestsFromJson(JSON.parse(JSON.stringify(digestsToJson(digests))));
  return read !== undefined && differingGroups(digests, read).length === 0 && read.size === digests.size;
});

t.test('groups go from 0 to 4,095', async (t) => {
  t.equal(digestGroupOf(`000${'f'.repeat(61)}` as StoreId), 0);
  t.equal(digestGroupOf(`fff${'0'.repeat(61)}` as StoreId), DIGEST_GROUPS - 1);
  t.equal(digestGroups([]).size, 0);
});

t.test('refuses ids that do not ascend', async (t) => {
  const [low, high] = [`00${'0'.repeat(62)}`, `01${'0'.repeat(62)}`] as StoreId[];
  t.throws(() => digestGroups([high, low] as StoreId[]), RangeError);
  t.throws(() => digestGroups([low, low] as StoreId[]), RangeError, 'twice the same');
});

t.test('refuses digests that are not as they should be', async (t) => {
  const good = { count: 1, digest: 'a'.repeat(64) };
  t.equal(digestsFromJson({ 0: good, 4095: good })?.size, 2);
  const bad: [string, unknown][] = [
    ['nothing', undefined],
    ['null', null],
    ['an array', [good]],
    ['text', 'groups'],
    ['a group past the last', { 4096: good }],
    ['a negative group', { '-1': good }],
    ['a second spelling of a group', { '01': good }],
    ['a hexadecimal group', { '0x1': good }],
    ['a name', { toString: good }],
    ['a prototype', JSON.parse('{"__proto__":{"count":1,"digest":"a"}}')],
    ['no digest', { 1: { count: 1 } }],
    ['a short digest', { 1: { count: 1, digest: 'a'.repeat(63) } }],
    ['an upper-case digest', { 1: { count: 1, digest: 'A'.repeat(64) } }],
    ['an empty group', { 1: { ...good, count: 0 } }],
    ['a fraction', { 1: { ...good, count: 1.5 } }],
    ['a null group', { 1: null }],
  ];
  for (const [what, json] of bad) t.equal(digestsFromJson(json), undefined, what);
});
