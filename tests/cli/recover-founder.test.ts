// Vaults that are older than their cluster, or than their place in it. Sources: src/ops/cluster/node-files.ts,
// vault-record.ts, untold-vault.ts, src/ops/recover/recover.ts, src/server/untold-warning.ts.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster } from '../cluster/cluster.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { oneJson } from './command.js';
import { PASSWORD } from './place.js';

t.test(
  'who founded a cluster by mistake and then joined one is recovered from it',
  { timeout: 100_000 },
  async (t) => {
    const folder = scratchFolder(t);
    const cluster = await TestCluster.start(t, { nodes: 2, hasVault: false });
    const { first } = cluster;
    const lost = await cluster.make();
    const code = join(folder, 'code');
    await lost.did('peers', 'invite');
    await lost.did('init', '--recovery-file', code);
    await cluster.join(lost);
    writeFileSync(join(folder, 'small'), 'a few bytes');
    const id = await lost.did('-q', 'chunk', join(folder, 'small'));
    t.equal((await lost.run('peers', 'invite')).status, 21, 'the key of its own cluster is of no use here');
    rmSync(lost.home, { recursive: true });
    const node = await cluster.make();
    await node.did('--password-file', code, 'recover', '--from', first.address);
    await node.did('reassemble', id, '-o', join(folder, 'back'));
    t.equal(readFileSync(join(folder, 'back'), 'utf8'), 'a few bytes');
  },
);

t.test(
  'a vault that is older than its cluster is told to it by the invite, where the password is there',
  { timeout: 100_000 },
  async (t) => {
    const cluster = await TestCluster.start(t, { nodes: 2 });
    const { first } = cluster;
    const vault = String(oneJson((await first.run('--json', 'status')).stdout).vaultId);
    await cluster.until('the other one could give it back', async () => {
      const node = await cluster.make();
      const from = ['--from', cluster.node(1).address, '--vault', vault];
      const { status } = await node.runWith({ env: { DISKTRO_PASSWORD: PASSWORD } }, 'recover', ...from);
      return status === 0;
    });
    t.notMatch((await first.run('status')).stderr, /no other node could give this vault back/);
  },
);

t.test(
  'that nobody could give a vault back is said until repair has told it',
  { timeout: 100_000 },
  async (t) => {
    const setup = () => ({ env: { DISKTRO_PASSWORD: '' } });
    const { first } = await TestCluster.start(t, { nodes: 2, setup });
    const warning =
      /no other node could give this vault back yet: run `disktro repair` here, with the password/;
    const asking = [['status'], ['whatif', '--lose', 'self']];
    for (const words of asking) t.match((await first.run(...words)).stderr, warning, words.join(' '));
    t.match(first.log, warning, 'serve');

    const invited = await first.run('peers', 'invite');
    t.match(invited.stderr, /run `disktro repair` here once another machine has joined/);
    const wrong = await first.runWith({ env: { DISKTRO_PASSWORD: 'wrong' } }, 'peers', 'invite');
    t.equal(wrong.status, 0, 'an invite needs no password');
    t.match(wrong.stdout, /^disktro-invite-1:/);
    t.match(wrong.stderr, /wrong password: this vault is not told to the others/);

    const repaired = await first.runWith({ env: { DISKTRO_PASSWORD: PASSWORD } }, 'repair');
    t.equal(repaired.status, 0, repaired.stderr);
    for (const words of asking) t.notMatch((await first.run(...words)).stderr, warning, words.join(' '));
    t.notMatch((await first.run('peers', 'invite')).stderr, /disktro repair/);
  },
);
