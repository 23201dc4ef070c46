// What people call nodes. Sources: src/net/distinct-name.ts.
import t from 'tap';
import type { NodeId } from '../../src/core/ids.js';
import { distinctName } from '../../src/net/distinct-name.js';

const member = (id: string, name: string) => ({ id: id as NodeId, name });
const MEMBERS = [
  member('aaaaaaaabb', 'vm'),
  member('ccccccccdd', 'vm'),
  member('eeeeeeeeff', 'nas'),
  member('gggggggghh', ''),
];

t.test('a name that is unique is enough; others come with a part of the id', async (t) => {
  const names = MEMBERS.map(({ id }) => distinctName(MEMBERS, id));
  t.same(names, ['vm aaaaaaaa', 'vm cccccccc', 'nas', 'gggggggg']);
  t.equal(distinctName(MEMBERS, 'iiiiiiiijj' as NodeId), 'iiiiiiii', 'who is no member any more');
});
