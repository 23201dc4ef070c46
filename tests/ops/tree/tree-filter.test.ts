// What is left out of a tree. Sources: src/ops/tree/tree-filter.ts, list-tree.ts.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { chunkTree } from '../../../src/ops/tree/chunk-tree.js';
import type { ListOptions } from '../../../src/ops/tree/list-tree.js';
import { listTree } from '../../../src/ops/tree/list-tree.js';
import { makeScratchHome, openScratch, scratchFolder } from '../scratch-home.js';
import { storedTree } from '../stored-tree.js';

const SIGNATURE = 'Signature: 8a477f597d28d172789f06886806bc55';

/** Makes files, and folders for names that end with `/`. */
function makeTree(test: Test, names: readonly string[]): string {
  const root = path.join(scratchFolder(test), 'tree');
  fs.mkdirSync(root);
  for (const name of names) {
    fs.mkdirSync(path.join(root, name.endsWith('/') ? name : path.dirname(name)), { recursive: true });
    if (!name.endsWith('/')) fs.writeFileSync(path.join(root, name), 'x');
  }
  return root;
}

async function kept(root: string, options: Partial<ListOptions> = {}): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path: at, type } of listTree(root, { home: '/nowhere', ...options })) {
    if (type !== 'directory') paths.push(at);
  }
  return paths;
}

const NAMES = ['a.tmp', 'A.TMP', 'b/a.tmp', 'b/c/keep', 'b/c/d/x', 'build/x', 'b/build/y', 'b/build2'];
const table: readonly [patterns: readonly string[], left: readonly string[]][] = [
  [[], []],
  [['*.tmp'], ['a.tmp', 'b/a.tmp']],
  [['/a.tmp'], ['a.tmp']],
  [['b/*.tmp'], ['b/a.tmp']],
  [['build/'], ['build/x', 'b/build/y']],
  [['/build'], ['build/x']],
  [['build*'], ['build/x', 'b/build/y', 'b/build2']],
  [['**/d'], ['b/c/d/x']],
  [['b/**/x'], ['b/c/d/x']],
  [
    ['b/*', '!b/c'],
    ['b/a.tmp', 'b/build/y', 'b/build2'],
  ],
  [['*', '!*.tmp', '!*/'], NAMES.filter((name) => !name.endsWith('a.tmp'))],
  [['# a.tmp', '', '\\#none'], []],
];
for (const [patterns, left] of table) {
  t.test(`patterns ${JSON.stringify(patterns)}`, async (t) => {
    const root = makeTree(t, NAMES);
    const expected = NAMES.filter((name) => !left.includes(name));
    t.same((await kept(root, { exclude: patterns })).sort(), expected.sort());
  });
}

t.test(
  '.disktroignore holds for the folder it lies in; the nearer one decides; .gitignore means nothing',
  async (t) => {
    const root = makeTree(t, [
      'x.log',
      'a/x.log',
      'a/y.log',
      'a/b/x.log',
      'azz.log',
      'b/x.log',
      'a.log/c',
      '.gitignore',
    ]);
    fs.writeFileSync(path.join(root, '.gitignore'), '*\n');
    fs.writeFileSync(path.join(root, 'a', '.disktroignore'), '*.log\n!y.log\n/b\n');
    fs.writeFileSync(path.join(root, 'b', '.disktroignore'), '# nothing\n');
    t.same(await kept(root), [
      '.gitignore',
      'a/.disktroignore',
      'a/y.log',
      'a.log/c',
      'azz.log',
      'b/.disktroignore',
      'b/x.log',
      'x.log',
    ]);
    fs.writeFileSync(path.join(root, '.disktroignore'), '*.log\n');
    t.same(await kept(root), [
      '.disktroignore',
      '.gitignore',
      'a/.disktroignore',
      'a/y.log',
      'b/.disktroignore',
    ]);
    t.same(
      await kept(root, { exclude: ['.disktroignore', '!x.log', 'y.log'] }),
      ['.gitignore', 'a/x.log', 'b/x.log', 'x.log'],
      'patterns that were given come before those of files',
    );
  },
);

t.test('a .disktroignore that cannot be read is told, and leaves nothing out', async (t) => {
  const root = makeTree(t, ['x.log']);
  fs.mkdirSync(path.join(root, '.disktroignore'));
  const notices: string[] = [];
  t.same(await kept(root, { onNotice: (message) => notices.push(message) }), ['x.log']);
  t.match(notices, [/\.disktroignore: cannot be read/]);
});

t.test('patterns hold for more paths than the matcher remembers', async (t) => {
  const names = Array.from({ length: 10_050 }, (_, index) => `f${index}${index % 2 === 0 ? '.tmp' : ''}`);
  t.equal((await kept(makeTree(t, names), { exclude: ['*.tmp'] })).length, 5025);
});

t.test('a cache folder is kept with its tag alone, unless asked for', async (t) => {
  const names = ['cache/CACHEDIR.TAG', 'cache/deep/x', 'other/CACHEDIR.TAG', 'other/x', 'linked/x'];
  const root = makeTree(t, names);
  fs.writeFileSync(path.join(root, 'cache', 'CACHEDIR.TAG'), `${SIGNATURE}\n# more\n`);
  fs.writeFileSync(path.join(root, 'other', 'CACHEDIR.TAG'), SIGNATURE.slice(0, -1));
  fs.symlinkSync('../cache/CACHEDIR.TAG', path.join(root, 'linked', 'CACHEDIR.TAG'));
  const all = [...names, 'linked/CACHEDIR.TAG'].sort();
  t.same(
    (await kept(root)).sort(),
    all.filter((name) => name !== 'cache/deep/x'),
  );
  t.same((await kept(root, { includeCaches: true })).sort(), all);
});

t.test('the home is not stored in itself, by whatever path it is reached', async (t) => {
  const folder = scratchFolder(t);
  const vault = await openScratch(await makeScratchHome(folder));
  t.teardown(() => vault.close());
  fs.writeFileSync(path.join(folder, 'file'), 'x');
  fs.symlinkSync('.', path.join(folder, 'round'));
  const notices: string[] = [];
  const result = await chunkTree(vault, path.join(folder, 'round'), {
    workers: 0,
    onNotice: (message) => notices.push(message),
  });
  const { byPath } = await storedTree(vault, result.id);
  t.same([...byPath.keys()], ['.', 'file', 'round']);
  t.match(notices, [/^home: .+not stored in itself$/]);
});

const canMount = process.platform === 'linux' && process.getuid?.() === 0;
t.test('--one-file-system keeps mount points as empty folders', { skip: !canMount }, async (t) => {
  const root = makeTree(t, ['here/x', 'there/', 'file', 'bound']);
  const script = `
    import { listTree } from ${JSON.stringify(new URL('../../../src/ops/tree/list-tree.js', import.meta.url).href)};
    for (const oneFileSystem of [false, true]) {
      const paths = [];
      for await (const { path } of listTree(process.argv[1], { home: '/nowhere', oneFileSystem })) paths.push(path);
      console.log(JSON.stringify(paths));
    }`;
  const inside = `mount -t tmpfs none "$1/there" && touch "$1/there/y" && mount --bind "$1/there/y" "$1/bound" &&
    exec env -u NODE_OPTIONS "$2" --input-type=module -e "$3" "$1"`;
  let out: string;
  try {
    out = execFileSync('unshare', ['-m', 'sh', '-c', inside, 'sh', root, process.execPath, script], {
      encoding: 'utf8',
    });
  } catch (error) {
    t.comment(String(error));
    t.pass('nothing can be mounted here');
    return;
  }
  const [all, one] = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[]);
  t.same(all, ['.', 'bound', 'file', 'here', 'here/x', 'there', 'there/y']);
  t.same(one, ['.', 'file', 'here', 'here/x', 'there']);
});
