// The answers of the contract about who a node is, and whom it knows.
import type { Test } from 'tap';
import type { ApiNode } from './api-node.js';
import type { See } from './contract-trees.js';

/** As the original's nodes register: what they say of themselves is taken from nobody. */
export async function registered(t: Test, attic: ApiNode, see: See): Promise<void> {
  const before = (await see(t, attic, ['GET', '/peers', 200])).json;
  const self = before.at(-1);
  t.ok(self.files > 0 && self.chunks > 0, 'counts of its own');
  t.ok(before[0].files === null || before[0].files > 0, 'and of the other what is known, or null');
  for (const json of [{}, { ...self, id: 'a'.repeat(52), address: '198.51.100.7', port: 1 }]) {
    const { json: answer } = await see(t, attic, ['POST', '/register', 200], { json });
    t.equal(answer.id, self.id);
  }
  await see(t, attic, ['POST', '/register', 200], { body: '' });
  await see(t, attic, ['POST', '/register', 400], { json: { csr: 'x' } });
  const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
  t.same(ids((await attic.ask('GET', '/peers')).json), ids(before), 'nobody has come by it');
  const brief = (await attic.ask('GET', '/api/peers')).json.data;
  t.same([brief[0].files, brief[0].chunks], [null, null], 'ids that were not asked for are not none');
}
