// Folders of which this machine has nothing left: fetched from the peers, whole and in part. Sources:
// src/ops/restore/restore-tree.ts, src/ops/read/tree-source.ts, content-steps.ts, inner-path.ts, tree-archive.ts,
// src/ops/copies/peer-source.ts.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';

const skip = onWindows;

const FOLDERS = 12;
const FILES = 25;
const LARGE = sampleBytes('large', 1_500_000);

function makeTree(root: string): void {
  for (let folder = 0; folder < FOLDERS; folder++) {
    const inside = path.join(root, `folder ${folder}`, 'inner');
    fs.mkdirSync(inside, { recursive: true });
    for (let file = 0; file < FILES; file++) {
      const name = path.join(inside, `file ${file}`);
      fs.writeFileSync(name, sampleBytes(`${folder} ${file}`, 40 + 97 * file));
      fs.utimesSync(name, 1_600_000_000 + file, 1_600_000_000 + file);
    }
  }
  fs.writeFileSync(path.join(root, 'large'), LARGE, { mode: 0o640 });
  fs.linkSync(path.join(root, 'large'), path.join(root, 'folder 1/same'));
  fs.symlinkSync('../large', path.join(root, 'folder 1/pointer'));
  fs.symlinkSync('nowhere', path.join(root, 'dangling'));
  fs.mkdirSync(path.join(root, 'empty'), { mode: 0o700 });
  const sparse = path.join(root, 'sparse');
  fs.writeFileSync(sparse, 'head');
  fs.truncateSync(sparse, 20_000_000);
  fs.appendFileSync(sparse, 'tail');
}

/** Each name with all that a restore is to bring back. */
function factsOf(root: string): Record<string, string> {
  const numbers = new Map<number, number>();
  const facts: Record<string, string> = {};
  for (const name of fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(root, name);
    const { mode, size, mtimeMs, ino, nlink } = fs.lstatSync(file);
    const kind = mode & fs.constants.S_IFMT;
    const permissions = (mode & 0o7777).toString(8);
    const time = Math.floor(mtimeMs);
    if (kind === fs.constants.S_IFLNK) facts[name] = `link to ${fs.readlinkSync(file)}, ${time}`;
    else if (kind === fs.constants.S_IFDIR) facts[name] = `folder ${permissions}, ${time}`;
    else {
      const content = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
      if (!numbers.has(ino)) numbers.set(ino, numbers.size);
      const shared = nlink > 1 ? `, same as ${numbers.get(ino)}` : '';
      facts[name] = `file ${permissions}, ${size}, ${time}, ${content}${shared}`;
    }
  }
  return facts;
}

/** Takes every object off a node that is not up. */
function empty(node: TestNode): void {
  for (const id of node.objects()) fs.rmSync(node.objectFile(id));
}

t.test(
  'a folder whose every object is gone here comes back from peers',
  { skip, timeout: 280_000 },
  async (t) => {
    const cluster = await TestCluster.start(t);
    const { first } = cluster;
    const tree = first.place.path('tree');
    makeTree(tree);
    const expected = factsOf(tree);
    t.ok(Object.keys(expected).length > FOLDERS * FILES);
    const id = await first.did('-q', 'chunk', 'tree');
    const stored = first.objects();
    for (const node of cluster.nodes)
      t.same(
        [...stored].filter((each) => !node.objects().has(each)),
        [],
      );
    await first.kill();

    const expectTree = async (out: string): Promise<void> => {
      empty(first);
      const { status, stdout, stderr } = await first.run('--json', 'reassemble', id, '-o', out);
      t.equal(status, 0, stderr);
      const { fetchedFromPeers } = oneJson(stdout);
      t.ok(
        Number(fetchedFromPeers) >= stored.size,
        `${String(fetchedFromPeers)} of ${stored.size} objects were fetched`,
      );
      t.same(factsOf(first.place.path(out)), expected);
      t.ok(fs.statSync(first.place.path(`${out}/sparse`)).blocks * 512 < 1_000_000, 'holes stay holes');
      t.equal(first.objects().size, 0, 'what is fetched to be read is not kept');
    };

    const expectPart = async (inner: string, wanted: Uint8Array): Promise<void> => {
      empty(first);
      const out = `part of ${path.basename(inner)}`;
      const { status, stderr } = await first.run('reassemble', `${id}:${inner}`, '-o', out);
      t.equal(status, 0, stderr);
      t.ok(first.place.read(out).equals(wanted), inner);
      fs.rmSync(first.place.path(out));
    };

    await t.test('all of it, and single files and folders', async (t) => {
      await expectTree('all');
      await expectPart('folder 3/inner/file 7', sampleBytes('3 7', 40 + 97 * 7));
      await expectPart('large', LARGE);
      await expectPart('folder 1/same', LARGE);
      empty(first);
      await first.did('reassemble', `${id}:folder 5`, '-o', 'part');
      t.same(factsOf(first.place.path('part')), factsOf(path.join(tree, 'folder 5')));
      const { bytes } = await first.run('cat', `${id}:folder 2/inner/file 24`);
      t.ok(bytes.equals(sampleBytes('2 24', 40 + 97 * 24)), 'cat');
      const list = await first.did('ls', id, 'folder 1');
      t.match(list, /pointer/);
      t.match(await first.did('find', 'pointer'), /tree:folder 1\/pointer/);
      t.equal(await first.did('diff', `${id}:folder 3`, `${id}:folder 3`), '');
    });

    await t.test('with one of the two peers dead', async () => {
      await cluster.node(1).kill();
      await expectTree('from one');
      await expectPart('folder 11/inner/file 24', sampleBytes('11 24', 40 + 97 * 24));
    });

    await t.test(
      'with none in reach it is told what is missing, and nothing half done is left',
      async (t) => {
        await cluster.node(2).kill();
        empty(first);
        const { status, stderr } = await first.run('reassemble', id, '-o', 'from none');
        t.equal(status, 20, stderr);
        t.notOk(
          fs.existsSync(first.place.path('from none')) &&
            fs.readdirSync(first.place.path('from none')).length > 0,
        );
        t.match(stderr, /barn, cellar are out of reach/);
        t.equal((await first.run('ls', id)).status, 20);
      },
    );
  },
);
