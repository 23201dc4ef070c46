// A node without a vault, on which the first one is made while it runs. Sources: src/server/routes/api-vault.ts,
// src/ops/home/vault.ts (createVault), src/server/api/vault-door.ts.
import t from 'tap';
import { RECOVERY_CODE } from '../../cli/command.js';
import { emptyPlace } from '../../cli/place.js';
import { TestNode } from '../../cluster/node.js';
import { ApiNode } from './api-node.js';

const PASSWORD = 'correct horse battery staple';

async function emptyNode(test: Parameters<typeof emptyPlace>[0]): Promise<ApiNode> {
  const node = new TestNode({ name: 'attic', place: emptyPlace(test) });
  test.teardown(async () => {
    if (node.isUp) await node.kill();
  });
  await node.serve();
  return new ApiNode(node);
}

t.test(
  'the first vault is made by the API, and the running node goes on with the same catalog',
  async (t) => {
    const node = await emptyNode(t);
    const locked = await node.ask('POST', '/api/unlock', { json: { password: PASSWORD } });
    t.match(locked, { status: 404, json: { code: 'E_NO_VAULT' } });
    const made = await node.ask('POST', '/api/unlock', { json: { password: PASSWORD, create: true } });
    t.equal(made.status, 200);
    t.match(made.json.data.recoveryCode, RECOVERY_CODE);
    node.session = made.json.data.session;
    const stored = await node.chunk('first.txt', Buffer.from('the first file'));
    t.equal(stored.status, 201);
    // The node answers peers from the catalog that it opened before there was a vault.
    const { id, chunks } = stored.json.data;
    for (const object of [id, ...chunks]) {
      t.equal((await node.ask('GET', `/chunk?id=${object}`)).status, 200, 'the node has it for others');
    }
    t.match((await node.ask('GET', '/api/status')).json.data, { files: 1, objects: 2, unlocked: true });
    const again = await node.ask('POST', '/api/unlock', { json: { password: PASSWORD, create: true } });
    t.match(again, { status: 409, json: { code: 'E_VAULT_EXISTS' } });
    const other = await node.ask('POST', '/api/unlock', { json: { password: PASSWORD } });
    t.equal(other.status, 200);
    t.notOk(other.json.data.recoveryCode, 'the code is shown once');
    t.notMatch(node.node.log, RECOVERY_CODE, 'and is not in the log');
  },
);

t.test('a vault that a command makes beside a running node is seen by it', async (t) => {
  const node = await emptyNode(t);
  node.place.write('a.txt', 'stored by a command');
  const { status, stdout } = await node.place.runWith({ mayShowCode: true }, 'chunk', 'a.txt');
  t.equal(status, 0);
  const id = stdout.trim();
  t.equal((await node.ask('GET', `/chunk?id=${id}`)).status, 200);
  t.match((await node.ask('GET', '/api/files')).json.data, [{ id, name: null }]);
});
