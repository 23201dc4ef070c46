// One member of four lies about objects. Files come back from the others, nothing wrong is stored, nothing hangs.
// Sources: src/ops/copies/peer-source.ts, replicate.ts, repair.ts, src/net/.
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { TestCluster } from './cluster.js';
import { Liar, type Lie } from './liar.js';

const skip = onWindows;

const MANY = `{"missing":[${'"a",'.repeat(400_000)}"a"]}`;
const DEEP = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
const POLLUTED =
  '{"__proto__":{"missing":[]},"constructor":{"prototype":{"polluted":1}},"missing":["../../x"]}';

/** What it answers to GETs of objects, and to everything else. */
const LIES: Readonly<Record<string, Lie>> = {
  'other bytes of the right length': (_asked, answer) =>
    answer.writeHead(200, { 'content-length': 70_000 }).end(Buffer.alloc(70_000, 7)),
  'a body that stops in the middle': (_asked, answer) => {
    answer.writeHead(200, { 'content-length': 70_000 }).write(Buffer.alloc(30_000));
  },
  'a body without end': (_asked, answer) => {
    answer.writeHead(200);
    const piece = Buffer.alloc(1 << 20);
    const pour = (): void => {
      while (!answer.destroyed && answer.write(piece));
      answer.once('drain', pour);
    };
    pour();
  },
  'status 500': (_asked, answer) =>
    answer.writeHead(500).end('{"error":{"code":"E_UNEXPECTED","message":"\\u001b[2J"}}'),
  'an empty body': (_asked, answer) => answer.writeHead(200, { 'content-length': 0 }).end(),
  'a length it does not keep': (_asked, answer) => {
    answer.writeHead(200, { 'content-length': 1e12 }).write('x');
    answer.destroy();
  },
  'a huge JSON': (_asked, answer) => answer.end(MANY),
  'a deep JSON': (_asked, answer) => answer.end(DEEP),
  'a JSON with __proto__': (_asked, answer) => answer.end(POLLUTED),
  'nothing at all': (_asked, answer) => {
    answer.socket?.destroy();
  },
};

t.test('a member of four that lies', { skip, timeout: 280_000 }, async (t) => {
  const cluster = await TestCluster.start(t);
  const { first } = cluster;
  const bytes = sampleBytes('photos', 1_500_000);
  first.place.write('photos', bytes);
  const id = await first.did('chunk', 'photos');
  const liar = await Liar.join(t, cluster);
  // Without what it knows of copies it asks by rank: the liar, which claims the most room, first.
  await first.end('SIGTERM');
  await first.did('rebuild');
  for (const object of first.objects()) rmSync(first.objectFile(object));

  for (const [name, lie] of Object.entries(LIES)) {
    await t.test(`${name}: the file comes back from the others`, async (t) => {
      liar.lie = lie;
      const asked = liar.asked;
      const { status, stderr, stdout, seconds } = await first.run(
        '--json',
        'reassemble',
        id,
        '-o',
        'back',
        '--force',
      );
      t.equal(status, 0, stderr);
      t.ok(first.place.read('back').equals(bytes));
      t.ok(Number(oneJson(stdout).fetchedFromPeers) > 0);
      t.ok(seconds < 20, `${seconds} s`);
      t.ok(liar.asked > asked, 'the liar was asked');
    });
  }

  await first.serve();
  await t.test('who says stored and drops it is found out, and holds nothing that is needed', async (t) => {
    liar.lie = (asked, answer) => {
      asked.resume();
      if (asked.method === 'PUT') answer.writeHead(201).end('{"stored":true}');
      else if (asked.url === '/chunks/missing') answer.end('{"missing":[]}');
      else answer.writeHead(404).end();
    };
    const other = sampleBytes('other', 700_000);
    first.place.write('other', other);
    const stored = oneJson(await first.did('--json', 'chunk', 'other'));
    for (const object of first.objects()) rmSync(first.objectFile(object));
    const back = await first.run('reassemble', String(stored.id), '-o', 'other-back');
    t.equal(back.status, 0, back.stderr);
    t.ok(first.place.read('other-back').equals(other));
  });

  await t.test('nothing wrong was stored anywhere, and no server has swollen', async (t) => {
    for (const node of cluster.nodes) {
      const wrong = [...node.objects()].filter(
        (object) =>
          createHash('sha256')
            .update(readFileSync(node.objectFile(object)))
            .digest('hex') !== object,
      );
      t.same(wrong, [], node.name);
      const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8')) ?? [];
      t.ok(Number(kib) < 400 * 1024, `${node.name}: ${kib} KiB`);
    }
  });
});
