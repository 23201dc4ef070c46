// Everything back from one surviving peer. Sources: src/cli/commands/recover.ts, src/ops/recover*.ts,
// src/server/routes/recovery.ts.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster } from '../cluster/cluster.js';
import type { TestNode } from '../cluster/node.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { oneJson } from './command.js';
import { PASSWORD } from './place.js';

t.test('one peer of three survives, not the founder', { timeout: 280_000 }, async (t) => {
  const folder = scratchFolder(t);
  const cluster = await TestCluster.start(t, { hasVault: false, env: { DISKTRO_REPAIR_GRACE: '3600' } });
  const { first: founder, nodes } = cluster;
  const survivor = cluster.node(2);
  const code = join(folder, 'code');
  const vault = await founder.did('init', '--recovery-file', code, '--chunk-size', '65536');
  // Enough chunks that the list of them is stored as chunks itself.
  const content = sampleBytes('recovered', 12_000_000);
  writeFileSync(join(folder, 'large'), content.subarray(0, 3_000_000));
  writeFileSync(join(folder, 'small'), 'a few bytes');
  const large = await founder.did('-q', 'chunk', join(folder, 'large'), '--tag', 'holiday');
  const small = await founder.did('-q', 'chunk', join(folder, 'small'));
  const removed = await founder.did('-q', 'chunk', join(folder, 'small'), '--name', 'removed');
  for (const node of nodes.slice(0, 2)) await node.stop();
  for (const node of nodes.slice(0, 2)) rmSync(node.home, { recursive: true });

  const fresh = (): Promise<TestNode> => cluster.make();
  const from = ['recover', '--from', survivor.address];

  await t.test('refuses before anything is written', async (t) => {
    const node = await fresh();
    const cases: [string, string[], number, RegExp][] = [
      ['a wrong password', ['--vault', vault], 12, /wrong password or recovery code/],
      ['a vault that is nowhere', ['--vault', '0'.repeat(32)], 12, /wrong password or recovery code/],
      ['a password without a vault', [], 2, /does not say which vault/],
      ['a vault id that is none', ['--vault', 'mine'], 2, /32 lower-case hex digits/],
    ];
    const said = new Set<string>();
    for (const [what, words, status, message] of cases) {
      const secret = what === 'a vault that is nowhere' ? PASSWORD : 'not the password';
      const outcome = await node.runWith({ env: { DISKTRO_PASSWORD: secret } }, ...from, ...words);
      t.equal(outcome.status, status, `${what}: ${outcome.stderr}`);
      t.match(outcome.stderr, message, what);
      if (status === 12) {
        said.add(outcome.stderr);
        t.ok(outcome.seconds > 1, `${what} is slow`);
      }
    }
    t.equal(said.size, 1, 'a vault that is not there is refused in the same words');
    t.notOk(existsSync(node.home));
  });

  await t.test('refuses recovery codes that are wrong or mistyped', async (t) => {
    const other = { env: { DISKTRO_PASSWORD: '0004-1061-050R-3GG2-8A1C-60T3-GF5E' } };
    t.equal((await (await fresh()).runWith(other, ...from)).status, 12);
    const right = readFileSync(code, 'utf8').trim();
    const typo = { env: { DISKTRO_PASSWORD: right.slice(0, -1) + (right.endsWith('0') ? '1' : '0') } };
    const { status, stderr } = await (await fresh()).runWith(typo, ...from);
    t.equal(status, 12);
    t.match(stderr, /a digit of the recovery code is wrong/);
  });

  await t.test('says when nobody is there, with status 20', async (t) => {
    const { status } = await (await fresh()).run('recover', '--from', '127.0.0.1:1', '--vault', vault);
    t.equal(status, 20);
    t.equal((await (await fresh()).run('recover')).status, 2);
  });

  await t.test('the recovery code brings back every file', async (t) => {
    await survivor.restart();
    const node = await fresh();
    const { status, stdout, stderr } = await node.run('--password-file', code, ...from, '--json');
    t.equal(status, 0, stderr);
    t.match(oneJson(stdout), { vaultId: vault, files: 3, failed: [], nodes: { length: 1 } });
    const listed = (await node.did('ls', '--json')).split('\n').map((line) => JSON.parse(line));
    t.same(listed.map(({ id }) => id).sort(), [large, small, removed].sort());
    t.match(
      listed.find(({ id }) => id === large),
      { name: 'large', tags: ['holiday'], bytes: 3_000_000, copies: 1 },
    );
    await node.did('reassemble', large, '-o', join(folder, 'back'));
    t.ok(readFileSync(join(folder, 'back')).equals(content.subarray(0, 3_000_000)));
    t.equal((await node.run('verify')).status, 14, 'what is not here yet is missing, not garbage');
    await node.did('gc', '--grace', '0');
    await node.did('repair');
    t.equal((await node.run('verify', '--read-data')).status, 0, 'repair has fetched the rest');
    t.equal((await node.run(...from, '--vault', vault, '--json')).status, 0, 'again, it goes on');
    t.match(await node.did('-q', 'peers', 'invite'), /^disktro-invite-1:/, 'it may invite now');
  });

  await t.test('the password brings back every file, into a node that serves', async (t) => {
    await survivor.restart();
    const node = await fresh();
    await node.serve();
    await node.did(...from, '--vault', vault);
    await node.did('reassemble', small, '-o', join(folder, 'back-small'));
    t.equal(readFileSync(join(folder, 'back-small'), 'utf8'), 'a few bytes');
    t.equal((await node.did('key', 'list', '--json')).split('\n').length, 2, 'with every slot');
  });

  await t.test('a home with another vault is left alone', async (t) => {
    const node = await fresh();
    await node.did('init', '--recovery-file', join(folder, 'other-code'), '--chunk-size', '65536');
    const { status, stderr } = await node.run('--password-file', code, ...from);
    t.equal(status, 2, stderr);
    t.match(stderr, /there is a vault at .* already/);
    const unasked = await node.runWith({ env: { DISKTRO_PASSWORD: undefined } }, ...from);
    t.equal(unasked.status, 2);
    t.match(unasked.stderr, /there is a vault at .* already/, 'before a password is asked for');
  });

  await t.test('the sixth try in a minute is refused unheard, with status 21', async (t) => {
    const wrong = { env: { DISKTRO_PASSWORD: '0004-1061-050R-3GG2-8A1C-60T3-GF5E' } };
    await survivor.restart();
    const tries = Array.from({ length: 6 }, async () => (await fresh()).runWith(wrong, ...from));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    t.same(statuses.sort(), [12, 12, 12, 12, 12, 21]);
  });
});
