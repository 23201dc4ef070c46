// Trees come back as they were: every kind of entry, what is there already, a part, a damaged chunk, an attacker.
// Sources: src/ops/restore-*.ts, src/ops/read/content-steps.ts, src/ops/read/chunk-window.ts,
// src/ops/read/tree-selection.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { OpenVault } from '../../../src/ops/home/vault.js';
import { compareTree } from '../../../src/ops/restore/restore-compare.js';
import { planRestore } from '../../../src/ops/restore/restore-plan.js';
import { restoreTree } from '../../../src/ops/restore/restore-tree.js';
import { chunkTree } from '../../../src/ops/tree/chunk-tree.js';
import { sampleBytes } from '../sample-bytes.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';
import type { LooseEntry } from '../tree-builder.js';
import { MTIME_NS, ROOT, snapshot, storeTree } from '../tree-builder.js';

t.setTimeout(120_000);

const isRoot = process.geteuid?.() === 0;

async function openNew(test: Test): Promise<OpenVault> {
  const vault = await openScratch(await makeScratchHome(scratchFolder(test)));
  test.teardown(() => vault.close());
  return vault;
}

const A = sampleBytes('a', 70_000);
const B = sampleBytes('b', 50_000);
const part = (chunk: number, offset: number, length: number) => ({ chunk, offset, length });

/** Two chunks shared by three files, a folder in a folder, links of both kinds. */
const SMALL: readonly LooseEntry[] = [
  { ...ROOT, mode: 0o750 },
  { path: 'both', extents: [part(0, 69_990, 20)], mode: 0o600 },
  { path: 'empty' },
  { path: 'folder', type: 'directory', mode: 0o555 },
  { path: 'folder/inner', type: 'directory' },
  { path: 'folder/inner/first', extents: [part(0, 0, 1_000)] },
  { path: 'folder/second', extents: [part(1, 100, 49_900), part(0, 5, 5)] },
  { path: 'link', type: 'symlink', target: 'folder/second' },
  { path: 'twin', type: 'hardlink', target: 'folder/second' },
];
const CONTENT: Readonly<Record<string, Buffer>> = {
  both: Buffer.concat([A.subarray(69_990), B.subarray(0, 10)]),
  empty: Buffer.alloc(0),
  'folder/inner/first': A.subarray(0, 1_000),
  'folder/second': Buffer.concat([B.subarray(100), A.subarray(5, 10)]),
};

const storeSmall = (vault: OpenVault) => storeTree(vault, { entries: SMALL, chunks: [A, B] });

function expectSmall(test: Test, out: string, title: string): void {
  for (const [name, bytes] of Object.entries(CONTENT)) {
    const stat = fs.lstatSync(path.join(out, name), { bigint: true });
    test.ok(fs.readFileSync(path.join(out, name)).equals(bytes), `${title}: ${name}`);
    test.equal(stat.mtimeNs / 1000n, MTIME_NS / 1000n, `${title}: time of ${name}`);
  }
  const names = fs.readdirSync(out, { recursive: true, encoding: 'utf8' }).sort();
  test.same(
    names,
    SMALL.slice(1)
      .map((entry) => String(entry.path))
      .sort(),
    `${title}: nothing else is there`,
  );
  test.equal(fs.readlinkSync(path.join(out, 'link')), 'folder/second');
  test.equal(fs.statSync(path.join(out, 'twin')).ino, fs.statSync(path.join(out, 'folder/second')).ino);
  test.equal(fs.statSync(out).mode & 0o7777, 0o750, `${title}: mode of the root`);
  test.equal(fs.statSync(path.join(out, 'folder')).mode & 0o7777, 0o555);
  test.equal(fs.statSync(path.join(out, 'folder'), { bigint: true }).mtimeNs / 1000n, MTIME_NS / 1000n);
}

t.test('files that share chunks, folders and links come back, with threads and without', async (t) => {
  const vault = await openNew(t);
  const id = await storeSmall(vault);
  for (const workers of [0, 2]) {
    const out = path.join(scratchFolder(t), 'new/out');
    const result = await restoreTree(vault, id, { path: out, workers });
    t.match(
      result,
      { files: 6, skipped: 0, failed: 0, bytes: 51_020 - 95, chunks: 2 } as object,
      'each chunk is read once',
    );
    expectSmall(t, out, `${workers} threads`);
  }
});

t.test('every kind of entry comes back as it was', { skip: !isRoot && 'needs root' }, async (t) => {
  const vault = await openNew(t);
  const folder = scratchFolder(t);
  const source = path.join(folder, 'source');
  const script = `
    set -e; mkdir -p '${source}/deep/er'; cd '${source}'
    echo hello > plain; chmod 640 plain; chown 1234:4321 plain; touch -d '2001-02-03 04:05:06.123456' plain
    : > empty; ln -s plain link; ln -s /nowhere dangling; chown -h 7:8 dangling; touch -h -d '1999-01-01' dangling
    head -c 200000 /dev/urandom > deep/er/random; ln deep/er/random hard; mkfifo -m 620 fifo
    truncate -s 3M sparse; printf tail >> sparse; truncate -s 5M holes-at-end; printf x | dd of=holes-at-end conv=notrunc 2>/dev/null
    mknod null c 1 3; mknod loop b 7 99; chmod 2750 deep; chmod 1777 deep/er
    printf x > "$(printf 'not\\377utf8')"; printf x > "$(printf 'line\\nend')"; printf x > "$(printf 'p\\377')"; rm "$(printf 'p\\377')"; mkfifo "$(printf 'p\\377')"
    touch -d '1950-01-01 00:00:00.5' old; touch -d '2001-01-01' deep/er deep .`;
  execFileSync('bash', ['-c', script]);
  setXattrs(source);
  const { id } = await chunkTree(vault, source, { workers: 0 });
  const out = path.join(folder, 'out');
  const result = await restoreTree(vault, id, { path: out, workers: 0, devices: true });
  t.same(result.failures, []);
  t.same(snapshot(out), snapshot(source));
  for (const name of ['sparse', 'holes-at-end']) {
    t.ok(fs.statSync(path.join(out, name)).blocks * 512 < 100_000, `${name} is sparse`);
  }
  for (const kind of ['user.color', 'system.posix_acl_access', 'system.posix_acl_default'])
    t.match(xattrsOf(source).join(), kind);
  t.same(xattrsOf(out), xattrsOf(source), 'extended attributes and ACLs');
  const comparison = await compareTree(vault, id, { path: out, workers: 0, devices: true });
  t.equal(comparison.differing, 0);
});

function setXattrs(source: string): void {
  execFileSync('setfattr', ['-n', 'user.color', '-v', 'blue', path.join(source, 'plain')]);
  execFileSync('setfacl', ['-m', 'user:77:rw', path.join(source, 'empty')]);
  execFileSync('setfacl', ['-d', '-m', 'group:78:rx', path.join(source, 'deep')]);
}

/** What getfattr says of all that is in a folder, ACLs among it. */
function xattrsOf(folder: string): readonly string[] {
  const said = execFileSync('getfattr', ['-Rdh', '-m-', '.'], { cwd: folder, encoding: 'latin1' });
  return said.split('\n\n').sort();
}

t.test('what is there is left, compared or replaced as the rule says', async (t) => {
  const vault = await openNew(t);
  const id = await storeTree(vault, {
    entries: [ROOT, { path: 'f', extents: [part(0, 0, 10)] }],
    chunks: [A],
  });
  const [stored, same, other] = [A.subarray(0, 10), Buffer.from('0123456789'), Buffer.from('longer than it')];
  const at = Number(MTIME_NS / 1_000_000n) / 1000 + 0.000_456_5;
  const table: [
    title: string,
    rule: 'never' | 'if-changed' | 'always',
    found: Buffer | undefined,
    mtime: number,
    left: Buffer,
  ][] = [
    ['nothing there, never', 'never', undefined, at, stored],
    ['nothing there, if-changed', 'if-changed', undefined, at, stored],
    ['another size, never', 'never', other, at, other],
    ['another size, if-changed', 'if-changed', other, at, stored],
    ['another size, always', 'always', other, at, stored],
    ['another time, never', 'never', same, 5, same],
    ['another time, if-changed', 'if-changed', same, 5, stored],
    ['same size and time, never', 'never', same, at, same],
    ['same size and time, if-changed', 'if-changed', same, at, same],
    ['same size and time, always', 'always', same, at, stored],
  ];
  for (const [title, overwrite, found, mtime, left] of table) {
    const out = path.join(scratchFolder(t), 'out');
    fs.mkdirSync(out);
    fs.writeFileSync(path.join(out, 'unrelated'), 'kept');
    if (found !== undefined) {
      fs.writeFileSync(path.join(out, 'f'), found);
      fs.utimesSync(path.join(out, 'f'), mtime, mtime);
    }
    const planned = [];
    for await (const { path: name, action } of planRestore(vault, id, { path: out, overwrite, workers: 0 }))
      planned.push([name, action]);
    const result = await restoreTree(vault, id, { path: out, overwrite, workers: 0 });
    const isKept = found?.equals(left) === true;
    t.ok(fs.readFileSync(path.join(out, 'f')).equals(left), title);
    t.match(result, { files: isKept ? 0 : 1, skipped: isKept ? 1 : 0 }, `${title}: is counted`);
    t.same(planned, [['f', isKept ? 'skip' : 'write']], `${title}: was foretold`);
    t.same(fs.readdirSync(out).sort(), ['f', 'unrelated'], `${title}: nothing beside it`);
  }
});

t.test('a folder that is not empty, or no folder, is refused without a rule', async (t) => {
  const vault = await openNew(t);
  const id = await storeSmall(vault);
  const out = scratchFolder(t);
  fs.writeFileSync(path.join(out, 'mine'), 'mine');
  await t.rejects(restoreTree(vault, id, { path: out, workers: 0 }), { code: 'E_OUTPUT_EXISTS' });
  await t.rejects(restoreTree(vault, id, { path: path.join(out, 'mine'), overwrite: 'always', workers: 0 }), {
    code: 'E_OUTPUT_EXISTS',
  });
  t.same(fs.readdirSync(out), ['mine']);
  t.equal(fs.readFileSync(path.join(out, 'mine'), 'utf8'), 'mine');
});

t.test('links that are there are replaced, never followed, whatever the rule', async (t) => {
  const vault = await openNew(t);
  const id = await storeSmall(vault);
  for (const overwrite of ['never', 'if-changed', 'always'] as const) {
    const world = scratchFolder(t);
    const [out, outside] = [path.join(world, 'out'), path.join(world, 'outside')];
    for (const each of [out, outside, path.join(outside, 'inner')]) fs.mkdirSync(each);
    fs.writeFileSync(path.join(outside, 'file'), 'kept');
    fs.symlinkSync('../outside', path.join(out, 'folder'));
    fs.symlinkSync('../outside/file', path.join(out, 'both'));
    fs.linkSync(path.join(outside, 'file'), path.join(out, 'empty'));
    const before = snapshot(outside);
    await restoreTree(vault, id, { path: out, overwrite, workers: 0 });
    const after = snapshot(outside);
    t.same(Object.keys(after), Object.keys(before), `${overwrite}: no new names outside`);
    t.equal(fs.readFileSync(path.join(outside, 'file'), 'utf8'), 'kept', overwrite);
    t.equal(
      fs.statSync(path.join(outside, 'file')).mode,
      fs.statSync(path.join(outside, 'inner')).isDirectory() ? 0o100644 : 0,
    );
    t.equal(fs.lstatSync(path.join(out, 'folder')).isSymbolicLink(), overwrite === 'never');
  }
});

t.test('somebody who swaps folders for links meanwhile gets nothing outside', async (t) => {
  const vault = await openNew(t);
  const entries: LooseEntry[] = [ROOT];
  for (let n = 0; n < 40; n++) {
    const name = `d${String(n).padStart(2, '0')}`;
    entries.push({ path: name, type: 'directory' });
    for (let m = 0; m < 40; m++)
      entries.push({ path: `${name}/f${String(m).padStart(2, '0')}`, extents: [part(0, m, 500)] });
    entries.push({ path: `${name}/link`, type: 'symlink', target: 'f00' });
  }
  const id = await storeTree(vault, { entries, chunks: [A] });
  const world = scratchFolder(t);
  const [out, outside] = [path.join(world, 'out'), path.join(world, 'outside')];
  fs.mkdirSync(outside);
  let swaps = 0;
  const swap = (): void => {
    for (const name of fs.existsSync(out) ? fs.readdirSync(out) : []) {
      const at = path.join(out, name);
      if (!/^d\d\d$/.test(name) || Math.random() < 0.7 || fs.lstatSync(at).isSymbolicLink()) continue;
      fs.renameSync(at, path.join(world, `moved-${swaps++}`));
      fs.symlinkSync('../outside', at);
    }
  };
  const result = await restoreTree(vault, id, { path: out, workers: 0, onProgress: swap }).catch(
    (error: unknown) => error,
  );
  t.ok(swaps > 10, `${swaps} folders were swapped`);
  t.same(fs.readdirSync(outside), [], 'nothing outside');
  t.ok(result, 'it ended');
});

t.test(
  'a part comes back: a folder inside, or what patterns name, with links to what is not part of it',
  async (t) => {
    const vault = await openNew(t);
    const id = await storeTree(vault, {
      entries: [...SMALL, { path: 'twin2', type: 'hardlink', target: 'folder/second' }],
      chunks: [A, B],
    });
    const inner = path.join(scratchFolder(t), 'out');
    await restoreTree(vault, id, { path: inner, inner: 'folder', workers: 0 });
    t.same(fs.readdirSync(inner, { recursive: true }).sort(), ['inner', 'inner/first', 'second']);
    t.equal(fs.statSync(inner).mode & 0o7777, 0o555, 'the folder is the root');

    const some = path.join(scratchFolder(t), 'out');
    await restoreTree(vault, id, { path: some, include: ['first', 'twin*', '!nothing'], workers: 0 });
    t.same(fs.readdirSync(some, { recursive: true }).sort(), [
      'folder',
      'folder/inner',
      'folder/inner/first',
      'twin',
      'twin2',
    ]);
    t.ok(
      fs.readFileSync(path.join(some, 'twin')).equals(CONTENT['folder/second'] ?? A),
      'a hard link stands in for its file',
    );
    t.equal(
      fs.statSync(path.join(some, 'twin')).ino,
      fs.statSync(path.join(some, 'twin2')).ino,
      'two share it',
    );
    t.equal(
      fs.statSync(path.join(some, 'folder')).mode & 0o7777,
      0o555,
      'folders on the way have their attributes',
    );
  },
);

t.test(
  'a damaged chunk names the files that need it; the rest comes back, and a second run the rest of that',
  async (t) => {
    const vault = await openNew(t);
    const id = await storeSmall(vault);
    const out = path.join(scratchFolder(t), 'out');
    const objects = path.join(vault.path, 'objects/chunks');
    const files = fs
      .readdirSync(objects, { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(objects, name));
    const damaged = files.find((name) => fs.statSync(name).isFile() && fs.statSync(name).size > 65_000) ?? '';
    const good = fs.readFileSync(damaged);
    for (const [harm, code] of [
      [
        () =>
          fs.writeFileSync(
            damaged,
            Buffer.concat([good.subarray(0, 500), Buffer.from('x'), good.subarray(501)]),
          ),
        'E_OBJECT_ID',
      ],
      [() => fs.unlinkSync(damaged), 'E_OBJECT_MISSING'],
    ] as const) {
      harm();
      const told: string[] = [];
      const result = await restoreTree(vault, id, {
        path: out,
        workers: 0,
        onFailure: ({ path: name }) => told.push(name),
      });
      t.same(told.sort(), ['both', 'folder/inner/first', 'folder/second', 'twin'], code);
      t.equal(result.failures[0]?.code, code);
      t.same(
        fs
          .readdirSync(out, { recursive: true })
          .filter((name) => !String(name).startsWith('.disktro-restore-'))
          .sort(),
        ['empty', 'folder', 'folder/inner', 'link'],
      );
    }
    fs.writeFileSync(damaged, good);
    const result = await restoreTree(vault, id, { path: out, workers: 0 });
    t.equal(result.failed, 0);
    expectSmall(t, out, 'after the second run');
  },
);

t.test('a comparison finds each kind of difference', async (t) => {
  const vault = await openNew(t);
  const id = await storeSmall(vault);
  const out = path.join(scratchFolder(t), 'out');
  await restoreTree(vault, id, { path: out, workers: 0 });
  fs.chmodSync(path.join(out, 'empty'), 0o777);
  fs.writeFileSync(path.join(out, 'both'), Buffer.alloc(20));
  fs.chmodSync(path.join(out, 'folder'), 0o755);
  fs.unlinkSync(path.join(out, 'folder/inner/first'));
  fs.unlinkSync(path.join(out, 'link'));
  fs.symlinkSync('elsewhere', path.join(out, 'link'));
  const found: Record<string, string> = {};
  const before = snapshot(out);
  const result = await compareTree(vault, id, {
    path: out,
    workers: 0,
    onDifference: ({ path: name, differences }) => {
      found[name] = differences.join(' ');
    },
  });
  t.match(found, { empty: 'mode', both: 'content mtime', 'folder/inner/first': 'missing', link: 'target' });
  t.match(found.folder, /mode/);
  t.notOk('twin' in found);
  t.equal(result.differing, Object.keys(found).length);
  t.same(snapshot(out), before, 'it changes nothing');
});

t.test('a path of thousands of parts comes back, with few descriptors', async (t) => {
  const vault = await openNew(t);
  const entries: LooseEntry[] = [ROOT];
  let name = '';
  for (let n = 0; n < 700; n++) {
    name = name === '' ? 'd' : `${name}/d`;
    entries.push({ path: name, type: 'directory', mode: 0o700 });
  }
  entries.push({ path: `${name}/f`, extents: [part(0, 0, 10)] });
  const id = await storeTree(vault, { entries, chunks: [A] });
  const out = path.join(scratchFolder(t), 'out');
  const result = await restoreTree(vault, id, { path: out, workers: 0 });
  t.match(result, { failed: 0, files: 1 });
  t.ok(fs.readFileSync(path.join(out, name, 'f')).equals(A.subarray(0, 10)));
  t.equal(fs.statSync(path.join(out, name), { bigint: true }).mtimeNs / 1000n, MTIME_NS / 1000n);
});
