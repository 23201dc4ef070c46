// Proofs from real nodes, by the real command. Sources: src/cli/commands/audit.ts, src/ops/copies/audit.ts,
// src/server/routes/objects.ts.
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { TestCluster } from '../cluster/cluster.js';
import type { TestNode } from '../cluster/node.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { eventually, jsonLines, type Outcome, oneJson } from './command.js';
import { expectError } from './errors.js';
import { placeWithFile } from './place.js';

interface Audited {
  readonly checked: number;
  readonly coverage: number;
  readonly confidence: number;
  readonly failed: readonly { readonly node: string; readonly id: string }[];
  readonly silent: readonly string[];
}

const resultOf = ({ stdout }: Outcome): Audited => oneJson(stdout) as unknown as Audited;

const idOf = (path: string | undefined): string => String(path).slice(-64);

/** Every byte another one: whichever range is asked for, it is wrong. */
function damage(path: string | undefined): void {
  const bytes = readFileSync(String(path));
  writeFileSync(
    String(path),
    bytes.map((byte) => byte ^ 0xff),
  );
}

async function auditOf({ place }: TestNode, ...words: string[]): Promise<Outcome> {
  return place.run('audit', '--budget', '10s', '--json', ...words);
}

t.test('alone there is nobody to ask', async (t) => {
  const { place } = await placeWithFile(t);
  expectError(t, await place.run('audit'), { status: 4, message: /in no cluster/ }, 'no cluster');
  for (const text of ['soon', '1.5s'])
    expectError(
      t,
      await place.run('audit', '--budget', text),
      { status: 2, message: /^--budget: expected seconds/ },
      `--budget ${text}`,
    );
});

t.test('nodes prove what they hold; what they do not is told, and made again', async (t) => {
  const cluster = await TestCluster.start(t, { env: { DISKTRO_REPAIR_GRACE: '60' } });
  const [a, b, c] = [cluster.node(0), cluster.node(1), cluster.node(2)];
  a.place.write('file', sampleBytes('audited', 700_000));
  t.equal((await a.place.run('chunk', 'file')).status, 0);

  const good = await auditOf(a);
  t.equal(good.status, 0, good.stderr);
  const { checked, coverage, confidence, failed } = resultOf(good);
  t.same([coverage, failed], [1, []]);
  t.ok(checked >= 459 && confidence >= 0.99, `${checked} proofs of few objects`);
  t.ok(Math.abs(confidence - (1 - 0.99 ** checked)) < 1e-9, 'as the formula says');
  const none = resultOf(await a.place.run('audit', '--budget', '0', '--json'));
  t.same([none.checked, none.coverage, none.confidence], [0, 0, 0], 'no time, no confidence');
  const text = await a.place.run('audit');
  t.match(text.stdout, /^\d+ proofs, 100\.0 % of the copies on other nodes looked at, 99\.\d % sure/);

  // Before the nodes that would heal them are there again.
  await Promise.all([a.stop(), c.stop()]);
  const [damaged, cut, gone] = b.place.objects('chunks');
  damage(damaged);
  truncateSync(String(cut), 100);
  rmSync(String(gone));
  const bad = await auditOf(a);
  t.equal(bad.status, 14, 'objects missing');
  t.same(
    resultOf(bad)
      .failed.map(({ id }) => id)
      .sort(),
    [damaged, cut, gone].map(idOf).sort(),
    'those, and no others',
  );
  t.same(new Set(resultOf(bad).failed.map(({ node }) => node)).size, 1, 'of one node');
  t.match(jsonLines(bad.stderr).at(-1)?.error, { code: 'E_OBJECT_MISSING', details: { failed: 3 } });
  await Promise.all([a.serve(), c.serve()]);
  await eventually('they are healed', () =>
    [damaged, cut, gone].every((path) => {
      try {
        return readFileSync(String(path)).equals(
          readFileSync(String(path).replace(b.place.home, a.place.home)),
        );
      } catch {
        return false;
      }
    }),
  );
  t.equal((await auditOf(a)).status, 0, 'and proven again');

  // Whose copy is it that is damaged?
  await a.stop();
  const [own, ownGone] = a.place.objects('chunks');
  damage(own);
  rmSync(String(ownGone));
  const mine = await auditOf(a);
  t.same([mine.status, resultOf(mine).failed], [0, []], 'nobody else is blamed');
  t.equal(resultOf(mine).coverage, 1, 'their copies are held against those of others');

  await c.stop();
  const silent = await auditOf(a);
  t.equal(silent.status, 0, 'out of reach is no failure');
  t.equal(resultOf(silent).silent.length, 1);
  t.ok(resultOf(silent).coverage < 1 && resultOf(silent).coverage > 0, 'but is not covered');
  t.match(silent.stderr, /"warning":"cellar was not audited: .*cannot be reached/);
  await b.stop();
  const alone = await auditOf(a);
  t.equal(alone.status, 20, 'but nobody at all is one');
  t.match(alone.stderr, /"code":"E_PEER_UNREACHABLE"/);
});
