// Which nodes hold which objects. Source: src/net/placement.ts.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { NodeId, StoreId } from '../../src/core/ids.js';
import { nodeIdOf } from '../../src/net/node-id.js';
import { BUCKETS, bucketOf, Placement, type PlacementNode } from '../../src/net/placement.js';
import { holds } from '../core/properties.js';

const node = (number: number, capacityBytes = 1000, zone = ''): PlacementNode => ({
  id: nodeIdOf(Buffer.from(`node ${number}`)),
  capacityBytes,
  zone,
});
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const bucket = fc.nat({ max: BUCKETS - 1 });
const nodes = fc
  .array(
    fc.record({ capacityBytes: fc.constantFrom(0, 1, 500, 2 ** 40), zone: fc.constantFrom('', 'a', 'b') }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((list) => list.map(({ capacityBytes, zone }, number) => node(number, capacityBytes, zone)));

/** docs/PROTOCOL.md word for word, in arithmetic without 32-bit tricks. */
function slowRank(bucket: number, list: readonly PlacementNode[]): NodeId[] {
  const word = 2n ** 32n;
  const mix = (x: bigint): bigint => {
    let m = x;
    m = ((m ^ (m >> 16n)) * 0x85ebca6bn) % word;
    m = ((m ^ (m >> 13n)) * 0xc2b2ae35n) % word;
    return m ^ (m >> 16n);
  };
  const scored = list.map(({ id, capacityBytes, zone }) => {
    const seed = createHash('sha256').update(`disktro/v1/place\n${id}`).digest('hex');
    const [a, b] = [BigInt(`0x${seed.slice(0, 8)}`), BigInt(`0x${seed.slice(8, 16)}`)];
    const h = (Number(mix((mix(BigInt(bucket) ^ a) + b) % word)) + 0.5) / 2 ** 32;
    return { id, zone, score: -capacityBytes / Math.log(h) };
  });
  scored.sort((x, y) => y.score - x.score || (x.id < y.id ? -1 : 1));
  const ranked = new Set<NodeId>();
  while (ranked.size < list.length) {
    const zonesOfTurn = new Set<string>();
    for (const { id, zone } of scored) {
      if (ranked.has(id) || zonesOfTurn.has(zone)) continue;
      zonesOfTurn.add(zone);
      ranked.add(id);
    }
  }
  return [...ranked];
}

/** All nodes, nothing remembered. */
const rank = (bucket: number, list: readonly PlacementNode[]): NodeId[] =>
  new Placement(list, 0).holders(bucket, list.length);

t.test('a bucket is the first 20 bits of an id', async (t) => {
  t.equal(bucketOf(`00000${'f'.repeat(59)}` as StoreId), 0);
  t.equal(bucketOf(`00001${'0'.repeat(59)}` as StoreId), 1);
  t.equal(bucketOf(`fffff${'0'.repeat(59)}` as StoreId), BUCKETS - 1);
});

holds('ranks as docs/PROTOCOL.md says', [bucket, nodes], (bucket, list) => {
  return rank(bucket, list).join() === slowRank(bucket, list).join();
});

holds('every node has one rank, in whatever order nodes are listed', [bucket, nodes], (bucket, list) => {
  const ranked = rank(bucket, list);
  return new Set(ranked).size === list.length && ranked.join() === rank(bucket, [...list].reverse()).join();
});

holds(
  'what is remembered is what would be worked out, at any depth and count, the first time and the second',
  [bucket, nodes, fc.integer({ min: 1, max: 5 }), fc.nat({ max: 14 })],
  (bucket, list, depth, count) => {
    const placement = new Placement(list, depth);
    const expected = slowRank(bucket, list).slice(0, count).join();
    const other = (bucket + 1) % BUCKETS;
    return (
      placement.holders(bucket, count).join() === expected &&
      placement.holders(other, count).join() === slowRank(other, list).slice(0, count).join() &&
      placement.holders(bucket, count).join() === expected
    );
  },
);

holds(
  'that also holds among many nodes, most of which are passed over',
  [bucket, fc.constantFrom(1, 2, 60)],
  (bucket, zones) => {
    const list = range(300).map((number) => node(number, 1000 + (number % 7), `zone ${number % zones}`));
    return new Placement(list).holders(bucket, 4).join() === slowRank(bucket, list).slice(0, 4).join();
  },
);

holds('copies go to distinct zones first', [bucket, nodes], (bucket, list) => {
  const zoneOf = new Map(list.map(({ id, zone }) => [id, zone]));
  const zones = new Set(zoneOf.values()).size;
  return (
    new Set(
      slowRank(bucket, list)
        .slice(0, zones)
        .map((id) => zoneOf.get(id)),
    ).size === zones
  );
});

holds(
  'when a node goes, the others keep their order',
  [bucket, fc.integer({ min: 2, max: 9 })],
  (bucket, count) => {
    const list = range(count).map((number) => node(number));
    const [gone, ...left] = list;
    return (
      rank(bucket, left).join() ===
      rank(bucket, list)
        .filter((id) => id !== gone?.id)
        .join()
    );
  },
);

t.test('no nodes hold nothing', async (t) => {
  t.same(rank(7, []), []);
  t.same(new Placement([]).holders(7, 3), []);
  t.same(new Placement([node(1)]).holders(7, 0), []);
});

t.test('the last bucket and an object in it are found', async (t) => {
  const placement = new Placement(range(5).map((number) => node(number)));
  const id = 'f'.repeat(64) as StoreId;
  t.same(placement.holdersOfObject(id, 2), placement.holders(BUCKETS - 1, 2));
  t.equal(placement.holders(BUCKETS - 1, 2).length, 2);
});

t.test('a node without capacity comes last', async (t) => {
  const list = [node(1, 0), node(2, 1), node(3, 2 ** 50)];
  for (const bucket of range(200)) {
    t.equal(rank(bucket, list).at(-1), list[0]?.id);
    t.equal(new Placement(list).holders(bucket, 3).at(-1), list[0]?.id);
  }
});

t.test('twice the capacity gets twice the buckets', async (t) => {
  const list = range(20).map((number) => node(number, number % 2 === 0 ? 1000 : 2000));
  const placement = new Placement(list);
  const small = new Set(
    range(20)
      .filter((number) => number % 2 === 0)
      .map((number) => list[number]?.id),
  );
  const ofSmall = range(30_000).filter((bucket) => small.has(placement.holders(bucket, 1)[0])).length;
  // A third of 30,000, five standard deviations to either side.
  t.ok(Math.abs(ofSmall - 10_000) < 5 * Math.sqrt(30_000 * (1 / 3) * (2 / 3)), `${ofSmall} of 30,000`);
});

t.test('every two nodes share their part of the buckets, no more', async (t) => {
  const list = range(8).map((number) => node(number));
  const placement = new Placement(list);
  const pairs = new Map<string, number>();
  const buckets = 28_000;
  for (const bucket of range(buckets)) {
    const pair = placement.holders(bucket, 2).sort().join();
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  t.equal(pairs.size, 28);
  const expected = buckets / 28;
  for (const [, times] of pairs)
    t.ok(Math.abs(times - expected) < 5 * Math.sqrt(expected), `${times} of ${expected}`);
});
