// Who is given the key of the cluster's CA. Source: src/ops/cluster/ask-authority.ts; over the network:
// tests/server/vaults.test.ts.
import t from 'tap';
import type { NodeId, VaultId } from '../../../src/core/ids.js';
import { privateKeyOfSeed, spkiOfSeed } from '../../../src/core/seed-key.js';
import { signJson } from '../../../src/net/canonical-json.js';
import { signVaultRecord } from '../../../src/net/vault-record.js';
import { giveAuthority } from '../../../src/ops/cluster/ask-authority.js';
import { foundCluster } from '../../../src/ops/cluster/join.js';
import { NodeFiles } from '../../../src/ops/cluster/node-files.js';
import { takeRecord } from '../../../src/ops/cluster/stored-records.js';
import { openNodeHome } from '../../../src/ops/home/home.js';
import { scratchFolder } from '../scratch-home.js';

t.test('of two vaults that ask at once one is given it', async (t) => {
  const home = await openNodeHome({ home: `${scratchFolder(t)}/node` });
  t.teardown(() => home.close());
  await foundCluster(new NodeFiles(home), Date.now());
  const caller = 'a'.repeat(52) as NodeId;
  const requests = [1, 2].map((number) => {
    const seed = Buffer.alloc(32, number);
    const vault = String(number).repeat(32) as VaultId;
    const verify_key = spkiOfSeed(seed).toString('base64');
    const record = { v: 1, id: vault, verify_key, version: 1, vault_file: {}, slots: [{}] } as const;
    takeRecord(home, vault, signVaultRecord(record, privateKeyOfSeed(seed)));
    const order = { vault, node: caller, issued_ms: Date.now() };
    return { ...order, signature: signJson('authority', order, privateKeyOfSeed(seed)) };
  });
  const ask = () => Promise.allSettled(requests.map((request) => giveAuthority(home, caller, request)));
  const first = (await ask()).map(({ status }) => status);
  t.same([...first].sort(), ['fulfilled', 'rejected']);
  t.same(
    (await ask()).map(({ status }) => status),
    first,
    'and the same one again',
  );
});
