// Who sends what to whom. Source: src/net/repair-plan.ts.
import fc from 'fast-check';
import t from 'tap';
import type { NodeId, StoreId } from '../../src/core/ids.js';
import { planRepair } from '../../src/net/repair-plan.js';
import { holds } from '../core/properties.js';

const NODES = ['a', 'b', 'c', 'd', 'e', 'f'] as NodeId[];
const [a, b, c, d] = NODES as [NodeId, NodeId, NodeId, NodeId];
const objectOf = (number: number): StoreId => `object ${number}` as StoreId;

interface World {
  /** Per object: who should have it, best first, and who has it. */
  readonly objects: readonly { readonly holders: readonly NodeId[]; readonly havers: readonly NodeId[] }[];
  readonly live: readonly NodeId[];
}

function planOf(self: NodeId, { objects, live }: World) {
  const have = new Map(NODES.map((node) => [node, new Set<StoreId>()]));
  for (const [number, { havers }] of objects.entries()) {
    for (const node of havers) have.get(node)?.add(objectOf(number));
  }
  const byId = new Map(objects.map(({ holders }, number) => [objectOf(number), holders]));
  return planRepair({
    self,
    holdersOf: (id) => byId.get(id) ?? [],
    isLive: (node) => live.includes(node),
    have,
  });
}

/** All that all live nodes would send, as `object from to`. */
function transfersOf(world: World): string[] {
  return world.live.flatMap((self) => {
    const { push, fetch } = planOf(self, world);
    const pushes = [...push].flatMap(([to, ids]) => ids.map((id) => `${id} ${self} ${to}`));
    return [...pushes, ...[...fetch].flatMap(([from, ids]) => ids.map((id) => `${id} ${from} ${self}`))];
  });
}

const some = fc.subarray(NODES);
const world = fc.record({
  objects: fc.array(fc.record({ holders: fc.shuffledSubarray(NODES, { maxLength: 4 }), havers: some }), {
    maxLength: 5,
  }),
  live: some,
});

holds(
  'every missing copy is made exactly once, by a live node that has one, and nothing else is sent',
  [world],
  (world) => {
    const expected = world.objects.flatMap(({ holders, havers }, number) => {
      if (!havers.some((node) => world.live.includes(node))) return [];
      const lacking = holders.filter((node) => world.live.includes(node) && !havers.includes(node));
      return lacking.map((to) => `${objectOf(number)} ${to}`);
    });
    const transfers = transfersOf(world).map((text) => text.split(' '));
    const made = transfers.map(([word, number, , to]) => `${word} ${number} ${to}`);
    const isFromHaver = transfers.every(([, number, from]) => {
      const havers = world.objects[Number(number)]?.havers ?? [];
      return havers.includes(from as NodeId) && world.live.includes(from as NodeId);
    });
    return made.sort().join() === expected.sort().join() && isFromHaver;
  },
  500,
);

const plan = (self: NodeId, holders: NodeId[], havers: NodeId[], live: NodeId[] = NODES) => {
  const { push, fetch } = planOf(self, { objects: [{ holders, havers }], live });
  return { push: [...push.keys()], fetch: [...fetch.keys()] };
};
const nothing = { push: [], fetch: [] };

t.test('the best holder that has it pushes to those below, the others wait', async (t) => {
  t.same(plan(a, [a, b, c], [a, b]), { push: [c], fetch: [] });
  t.same(plan(b, [a, b, c], [a, b]), nothing);
  t.same(plan(c, [a, b, c], [a, b]), nothing);
});

t.test('a holder that ranks above the source fetches from it', async (t) => {
  t.same(plan(a, [a, b, c], [b]), { push: [], fetch: [b] });
  t.same(plan(b, [a, b, c], [b]), { push: [c], fetch: [] });
});

t.test('a dead best holder does not hold up the next', async (t) => {
  const live = [b, c, d];
  t.same(plan(b, [a, b, c], [a, b], live), { push: [c], fetch: [] });
  t.same(plan(d, [a, b, c], [a, d], live), { push: [b, c], fetch: [] });
});

t.test('one that is no holder pushes only when no live holder has it', async (t) => {
  t.same(plan(d, [a, b, c], [d]), { push: [a, b, c], fetch: [] });
  t.same(plan(d, [a, b, c], [c, d]), nothing);
});

t.test('nothing is sent to who is not there, nor fetched from it', async (t) => {
  t.same(plan(a, [a, b, c], [a], [a]), nothing);
  t.same(plan(a, [a, b, c], [b], [a]), nothing);
});

t.test('this node is there even if it is not listed as live', async (t) => {
  t.same(plan(a, [a, b], [a], [b]), { push: [b], fetch: [] });
  t.same(plan(a, [a, b], [b], [b]), { push: [], fetch: [b] });
});

t.test('what nobody has, and what has no holders, is left alone', async (t) => {
  t.same(plan(a, [a, b, c], []), nothing);
  t.same(plan(a, [], [a]), nothing);
});
