import t from 'tap';
import type { NodeId } from '../../src/core/ids.js';
import type { MemberStatus } from '../../src/net/liveness.js';
import { StatusChanges } from '../../src/server/status-changes.js';

const attic = 'attic' as NodeId;
const barn = 'barn' as NodeId;

t.test('tells a change once, however many steps it took', async (t) => {
  const changes = new StatusChanges();
  const now = new Map<NodeId, MemberStatus>([[attic, 'online']]);
  const take = () => changes.take([attic, barn], (node) => now.get(node));
  t.same(take(), []);
  now.set(attic, 'offline');
  t.same(take(), [[attic, 'offline']], 'unreachable was between two calls');
  t.same(take(), []);
  now.set(attic, 'online');
  t.same(take(), [[attic, 'online']]);
});

t.test('tells that a new member is not there, and nothing of one that is no member', async (t) => {
  const changes = new StatusChanges();
  t.same(
    changes.take([attic, barn], (node) => (node === attic ? 'unreachable' : undefined)),
    [[attic, 'unreachable']],
  );
});
