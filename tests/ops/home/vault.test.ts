// vault.json and the home around it: damage of every kind has its code, and a home that cannot be written is read.
// Sources: src/ops/home/vault.ts, src/ops/home/vault-files.ts, src/ops/home/home.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { chunkStream } from '../../../src/ops/chunk/chunk.js';
import { hasVault, openHome } from '../../../src/ops/home/home.js';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { createVault, openVault } from '../../../src/ops/home/vault.js';
import { restored } from '../expect-intact.js';
import { runProgram } from '../program.js';
import { sampleBytes } from '../sample-bytes.js';
import { HomeImage, makeScratchHome, openScratch, RECOVERY_CODE, scratchFolder } from '../scratch-home.js';

t.setTimeout(60_000);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

t.test(
  'a vault that was made opens with its password and its recovery code, and with nothing else',
  async (t) => {
    const home = path.join(scratchFolder(t), 'deep/down/home');
    t.notOk(await hasVault(home));
    const { recoveryCode, vaultId } = await createVault({ home, password: 'correct horse' });
    t.ok(await hasVault(home));
    t.equal(fs.statSync(home).mode & 0o777, 0o700);
    let id = '';
    {
      await using vault = await openVault({ home, password: 'correct horse' });
      t.equal(vault.vaultId, vaultId);
      id = (await chunkStream(vault, once(Buffer.from('content')), { workers: 0 })).id;
    }
    await using vault = await openVault({ home, password: recoveryCode });
    t.equal((await restored(vault as OpenVault, id)).toString(), 'content');
    await t.rejects(openVault({ home, password: 'wrong horse' }), { code: 'E_WRONG_PASSWORD' });
    const wrongCode = recoveryCode.replace(/[A-Z2-7]/, (digit) => (digit === 'A' ? 'B' : 'A'));
    await t.rejects(openVault({ home, password: wrongCode }), { code: 'E_WRONG_PASSWORD' });
    await t.rejects(createVault({ home, password: 'x' }), { code: 'E_VAULT_EXISTS' });
  },
);

t.test('where there is no vault, that is what is said', async (t) => {
  const folder = scratchFolder(t);
  for (const home of [folder, path.join(folder, 'missing')]) {
    await t.rejects(openVault({ home, password: 'x' }), { code: 'E_NO_VAULT' });
    await t.rejects(openHome({ home }), { code: 'E_NO_VAULT' });
  }
  t.same(fs.readdirSync(folder), [], 'and nothing is made');
});

t.test('a damaged vault.json is E_VAULT_FILE, a newer one E_FORMAT_TOO_NEW', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const file = path.join(home, 'vault.json');
  const good = JSON.parse(fs.readFileSync(file, 'utf8'));
  const changed = (change: object): string => JSON.stringify({ ...good, ...change });
  const cases: [string, string, string][] = [
    ['empty', '', 'E_VAULT_FILE'],
    ['cut short', JSON.stringify(good).slice(0, -5), 'E_VAULT_FILE'],
    ['not UTF-8', '\ufffd\0', 'E_VAULT_FILE'],
    ['null', 'null', 'E_VAULT_FILE'],
    ['a list', '[]', 'E_VAULT_FILE'],
    ['10 MB', JSON.stringify({ ...good, more: 'x'.repeat(10_000_000) }), 'E_VAULT_FILE'],
    ['nested 30,000 deep', '['.repeat(30_000) + ']'.repeat(30_000), 'E_VAULT_FILE'],
    ['nested and not closed', '{"a":'.repeat(12_000), 'E_VAULT_FILE'],
    ['without a version', changed({ v: undefined }), 'E_VAULT_FILE'],
    ['version 0', changed({ v: 0 }), 'E_VAULT_FILE'],
    ['version as text', changed({ v: '1' }), 'E_VAULT_FILE'],
    ['newer', changed({ v: 2 }), 'E_FORMAT_TOO_NEW'],
    ['newer and otherwise unknown', '{"v":7}', 'E_FORMAT_TOO_NEW'],
    ['a short vault id', changed({ vaultId: 'abc' }), 'E_VAULT_FILE'],
    ['an upper-case vault id', changed({ vaultId: String(good.vaultId).toUpperCase() }), 'E_VAULT_FILE'],
    ['no chunker', changed({ chunker: undefined }), 'E_VAULT_FILE'],
    ['an inherited key', '{"v":1,"__proto__":{"vaultId":"x"}}', 'E_VAULT_FILE'],
    ...[0, 1, 65_535, 65_537, 2 ** 25, 1e300, -65_536].map((average): [string, string, string] => [
      `average ${average}`,
      changed({ chunker: { ...good.chunker, average } }),
      'E_VAULT_FILE',
    ]),
  ];
  for (const [what, text, code] of cases) {
    fs.writeFileSync(file, text);
    await t.rejects(openHome({ home }), { code }, what);
  }
  await t.rejects(
    openVault({ home, password: RECOVERY_CODE }),
    { code: 'E_VAULT_FILE' },
    'with a password too',
  );
  await t.rejects(
    createVault({ home, password: 'x' }),
    { code: 'E_VAULT_FILE' },
    'and no new vault replaces it',
  );
});

t.test('another vault id opens nothing', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  const file = path.join(home, 'vault.json');
  const json = JSON.parse(fs.readFileSync(file, 'utf8'));
  fs.writeFileSync(file, JSON.stringify({ ...json, vaultId: 'f'.repeat(32) }));
  await t.rejects(openVault({ home, password: RECOVERY_CODE }), { name: 'DisktroError' });
});

t.test('a new vault is refused where there are objects of a lost one', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  {
    await using vault = await openScratch(home);
    await chunkStream(vault, once(Buffer.from('of the lost one')), { workers: 0 });
  }
  fs.unlinkSync(path.join(home, 'vault.json'));
  await t.rejects(createVault({ home, password: 'x' }), { code: 'E_VAULT_FILE' });
});

t.test('what a killed init left is taken over', async (t) => {
  const home = await makeScratchHome(scratchFolder(t), { withSlot: true });
  fs.unlinkSync(path.join(home, 'vault.json'));
  fs.writeFileSync(path.join(home, 'catalog.db'), 'half written');
  const { recoveryCode } = await createVault({ home, password: 'x' });
  t.equal(fs.readdirSync(path.join(home, 'slots')).length, 2, 'old slots are gone');
  await using vault = await openVault({ home, password: recoveryCode });
  t.ok(vault.vaultId);
});

t.test('read only, storing is refused', async (t) => {
  const home = await makeScratchHome(scratchFolder(t));
  await using vault = await openScratch(home, { readOnly: true });
  await t.rejects(chunkStream(vault, once(Buffer.from('x')), { workers: 0 }), { code: 'E_READ_ONLY' });
});

function canMountReadOnly(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

t.test(
  'a home on a disk that is mounted read-only',
  { skip: !canMountReadOnly() && 'needs unshare' },
  async (t) => {
    const home = await makeScratchHome(scratchFolder(t));
    const bytes = sampleBytes('read only', 300_000);
    let id = '';
    {
      await using vault = await openScratch(home);
      id = (await chunkStream(vault, once(bytes), { workers: 0 })).id;
    }
    const before = HomeImage.of(home);
    const { lines } = await runProgram(t, 'read-frozen', [home, id]);
    t.same(lines, ['restored 300000', 'verified 0 bad', 'writing E_READ_ONLY']);
    t.same([...HomeImage.of(home).files], [...before.files], 'nothing in it has changed');
  },
);
