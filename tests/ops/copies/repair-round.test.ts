// One round of repair with members that are made up: what they say wrong of one object spoils no other, and what they
// do not have any more is not counted. Sources: src/ops/copies/repair.ts, src/ops/copies/note-copies.ts.
import t, { type Test } from 'tap';
import { countUnderCopied, nodesOf, noteCopies } from '../../../src/catalog/copies.js';
import { findHolding } from '../../../src/catalog/holdings.js';
import { sha256Hex } from '../../../src/core/hashes.js';
import type { NodeId, StoreId } from '../../../src/core/ids.js';
import { DisktroError } from '../../../src/errors.js';
import type { Cluster } from '../../../src/ops/cluster/cluster.js';
import { HeldWriter } from '../../../src/ops/copies/held-writer.js';
import { repairOnce } from '../../../src/ops/copies/repair.js';
import { type OpenHome, openNodeHome } from '../../../src/ops/home/home.js';
import { sampleBytes } from '../sample-bytes.js';
import { scratchFolder } from '../scratch-home.js';

const [SELF, HONEST, OTHER] = ['a', 'b', 'c'].map((letter) => letter.repeat(52)) as [NodeId, NodeId, NodeId];

function objectOf(name: string): { id: StoreId; bytes: Buffer } {
  const bytes = sampleBytes(name, 200);
  bytes.write('DSK1', 'latin1');
  return { id: sha256Hex(bytes) as StoreId, bytes };
}

const away = (): never => {
  throw new DisktroError('E_PEER_UNREACHABLE', 'does not answer');
};

/** What one member answers; by default it has nothing and takes nothing. */
interface Answers {
  groups?(): unknown[];
  digests?(): Map<number, unknown>;
  lacking?(ids: readonly StoreId[]): { missing: readonly StoreId[]; deleted: readonly StoreId[] };
  putObject?(id: StoreId): 'new';
  getObject?(id: StoreId, target: Uint8Array): number;
}

function clusterOf(members: ReadonlyMap<NodeId, Answers>): Cluster {
  const others = [...members.keys()];
  const all = [SELF, ...others];
  const client = (node: NodeId) => {
    const answers = members.get(node) ?? {};
    return {
      json: async () => away(),
      digests: async () => answers.digests?.() ?? new Map(),
      groups: async () => answers.groups?.() ?? [],
      lacking: async (ids: readonly StoreId[]) =>
        answers.lacking?.(ids) ?? { missing: [...ids], deleted: [] },
      putObject: async (_kind: string, id: StoreId) => (answers.putObject ?? away)(id),
      getObject: async (id: StoreId, target: Uint8Array) => (answers.getObject ?? away)(id, target),
    };
  };
  return {
    self: SELF,
    options: { replicaCount: all.length },
    everyone: () => others,
    reachable: () => others,
    holderClients: () => [],
    mirrors: () => [],
    membership: { status: () => 'online', notePingFailed: () => {} },
    holders: () => all,
    ranked: () => others,
    counted: () => all,
    isStatic: () => false,
    placementKey: () => 'x',
    client,
    peer: client,
  } as unknown as Cluster;
}

async function nodeHome(t: Test): Promise<{ home: OpenHome; writer: HeldWriter }> {
  const home = await openNodeHome({ home: `${scratchFolder(t)}/node` });
  t.teardown(() => home.close());
  return { home, writer: new HeldWriter(home, { quotaBytes: 0, reserveBytes: 0 }) };
}

t.test('a member that falls silent is not asked again and again', async (t) => {
  const { home, writer } = await nodeHome(t);
  const objects = Array.from({ length: 400 }, (_, index) => objectOf(`object ${index}`));
  await Promise.all(objects.map(({ id, bytes }) => writer.put('chunk', id, bytes)));
  let asked = 0;
  const silent: Answers = {
    lacking: (ids) => (++asked > 2 ? away() : { missing: ids, deleted: [] }),
  };
  const result = await repairOnce({ home, writer, cluster: clusterOf(new Map([[OTHER, silent]])) });
  t.equal(result.pushed, 0);
  t.ok(asked < 8, `asked ${asked} times`);
});

t.test('a copy that is not there any more is not counted, though it cannot be made again', async (t) => {
  const { home, writer } = await nodeHome(t);
  const { id, bytes } = objectOf('one');
  await writer.put('chunk', id, bytes);
  noteCopies(home.catalog, OTHER, [id]);
  const full: Answers = {
    putObject: () => {
      throw new DisktroError('E_NO_SPACE', 'full');
    },
  };
  await repairOnce({ home, writer, cluster: clusterOf(new Map([[OTHER, full]])) });
  t.same(nodesOf(home.catalog, id), []);
  t.equal(countUnderCopied(home.catalog, 2, [OTHER]), 1);
});

t.test('where a holder is full, the next in rank gets the copy', async (t) => {
  const { home, writer } = await nodeHome(t);
  const objects = ['one', 'two', 'three'].map(objectOf);
  for (const { id, bytes } of objects) await writer.put('chunk', id, bytes);
  const full: Answers = {
    putObject: () => {
      throw new DisktroError('E_NO_SPACE', 'full');
    },
  };
  const taken = new Set<StoreId>();
  const next: Answers = {
    putObject: (id) => {
      taken.add(id);
      return 'new';
    },
    lacking: (ids) => ({ missing: ids.filter((id) => !taken.has(id)), deleted: [] }),
  };
  const members = new Map([
    [OTHER, full],
    [HONEST, next],
  ]);
  const cluster = {
    ...clusterOf(members),
    options: { replicaCount: 2 },
    holders: () => [SELF, OTHER],
    ranked: () => [OTHER, HONEST],
  } as unknown as Cluster;
  await repairOnce({ home, writer, cluster });
  t.same([...taken].sort(), objects.map(({ id }) => id).sort());
  t.equal(countUnderCopied(home.catalog, 2, cluster.counted()), 0);
});

t.test('what one member says of an object does not spoil what another has', async (t) => {
  for (const lie of [
    { kind: 'chunk', bytes: 64 },
    { kind: 'manifest', bytes: 200 },
  ]) {
    const { home, writer } = await nodeHome(t);
    const { id, bytes } = objectOf('wanted');
    const digests = () =>
      new Map([[Number.parseInt(id.slice(0, 3), 16), { count: 1, digest: 'f'.repeat(64) }]]);
    const honest: Answers = {
      digests,
      groups: () => [{ id, kind: 'chunk', bytes: 200 }],
      getObject: (_, target) => {
        if (target.byteLength < bytes.byteLength) throw new DisktroError('E_OBJECT_LENGTH', 'too long');
        return bytes.copy(target);
      },
    };
    const liar: Answers = { digests, groups: () => [{ id, ...lie }] };
    const cluster = clusterOf(
      new Map([
        [HONEST, honest],
        [OTHER, liar],
      ]),
    );
    await repairOnce({ home, writer, cluster });
    t.equal(findHolding(home.catalog, id)?.kind, 'chunk', `with a liar that lists ${JSON.stringify(lie)}`);
  }
});
