// @ts-check
/**
 * `npm run bench:bucket`: starts a real S3 engine on this machine, measures chunk and reassemble with a bucket against
 * restic on the same engine, and what asking about many ids costs. Writes BUCKETS.md after a full run.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DemoMachine } from '../scripts/demo/machine.mjs';
import { ensureCompanion } from '../scripts/ensure.mjs';
import { writeMixed } from './corpus-mixed.mjs';
import { describeMachine } from './machine.mjs';
import { readOptions } from './options.mjs';

const usage = `usage: npm run bench:bucket -- [options]
  --quick    128 MiB and 10,000 ids; does not write BUCKETS.md
  --mib N    MiB of the file (default 1024)
  --ids N    ids that are asked about (default 100000)
  --write    writes BUCKETS.md whatever was run
`;

/** @typedef {{name: string, own: number, other: number, limit: number}} Figure seconds of ours, of the other, limit of the ratio */

/** @param {() => unknown} work @returns {Promise<number>} seconds */
async function timed(work) {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

/** @param {string} command @param {readonly string[]} words @param {Record<string, string>} env */
function must(command, words, env) {
  const { status, stderr } = spawnSync(command, words, { env: { ...process.env, ...env }, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${status}\n${stderr}`);
}

const sha256 = (/** @type {string} */ path) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Rounds change who goes first: the engine's memory is fresh for the first one only. */
const ROUNDS = 2;

/** @param {string} folder @param {any} ceph @param {number} mib @returns {Promise<Figure[]>} */
async function measureWays(folder, ceph, mib) {
  const input = join(folder, 'mixed');
  const file = await open(input, 'wx');
  await writeMixed(file, { unitBytes: mib << 20, signal: new AbortController().signal });
  await file.close();
  const put = { name: `chunk ${mib} MiB mixed into a bucket / restic backup`, own: 0, other: 0, limit: 0.6 };
  const get = { name: 'reassemble from the bucket alone / restic restore', own: 0, other: 0, limit: 0.6 };
  for (let round = 0; round < ROUNDS; round++) {
    const ways = [await ownWay(folder, ceph, input, round), await resticWay(folder, ceph, input, round)];
    const order = round % 2 === 0 ? ways : ways.toReversed();
    for (const way of order) put[way.side] += await timed(way.put);
    for (const way of order) way.prepare();
    for (const way of order) get[way.side] += await timed(way.get);
    for (const way of ways) way.end();
  }
  return [put, get];
}

/** @typedef {{side: 'own' | 'other', put(): void, prepare(): void, get(): void, end(): void}} Way what it puts is got back by a machine that has nothing */

/** @param {string} folder @param {any} ceph @param {string} input @param {number} round @returns {Promise<Way>} */
async function ownWay(folder, ceph, input, round) {
  const { TestBucket } = await import('../dist/tests/cluster/bucket.js');
  const bucket = await TestBucket.make(ceph, `disktro-${round}`);
  const [desk, laptop] = ['desk', 'laptop'].map((name) => new DemoMachine(folder, `${name}-${round}`));
  desk.run('init', '--recovery-file', desk.path('recovery'));
  desk.run('peers', 'add', bucket.url);
  return {
    side: 'own',
    put: () => desk.run('chunk', input),
    prepare: () => laptop.run('recover', '--from', bucket.url),
    get: () => laptop.run('reassemble', 'mixed'),
    end() {
      if (sha256(laptop.path('mixed')) !== sha256(input)) throw new Error('the restored file is another one');
      for (const name of [desk.home, laptop.home, laptop.path('mixed')]) rmSync(name, { recursive: true });
      bucket.close();
    },
  };
}

/** @param {string} folder @param {any} ceph @param {string} input @param {number} round @returns {Promise<Way>} */
async function resticWay(folder, ceph, input, round) {
  const { TestBucket } = await import('../dist/tests/cluster/bucket.js');
  const bucket = await TestBucket.make(ceph, `restic-${round}`);
  const target = join(folder, `restored-${round}`);
  const restic = {
    RESTIC_PASSWORD: 'demo',
    RESTIC_REPOSITORY: `s3:http://${ceph.host}/restic-${round}`,
    RESTIC_CACHE_DIR: join(folder, `cache-${round}`),
  };
  must('restic', ['init'], restic);
  mkdirSync(target);
  return {
    side: 'other',
    put: () => must('restic', ['backup', '-q', input], restic),
    prepare() {},
    get: () => must('restic', ['restore', '-q', 'latest', '--target', target], restic),
    end() {
      rmSync(target, { recursive: true });
      bucket.close();
    },
  };
}

/** @param {any} ceph @param {number} count @returns {Promise<Figure>} */
async function measureAsking(ceph, count) {
  const { TestBucket } = await import('../dist/tests/cluster/bucket.js');
  const { S3Store } = await import('../dist/src/store/s3-store.js');
  const { parseStoreUrl } = await import('../dist/src/store/store-url.js');
  const bucket = await TestBucket.make(ceph, 'many');
  const store = new S3Store(/** @type {any} */ (parseStoreUrl(bucket.url)), ceph.keys);
  const ids = Array.from({ length: count }, (_, seed) =>
    createHash('sha256').update(String(seed)).digest('hex'),
  );
  for (let from = 0; from < count; from += 500) {
    await Promise.all(
      ids.slice(from, from + 500).map((id) => bucket.put(`chunks/${id.slice(0, 2)}/${id}`, Buffer.from('x'))),
    );
  }
  const listing = await timed(() => bucket.keys());
  const asking = await timed(async () => {
    const sizes = await store.sizes('chunk', /** @type {any} */ (ids));
    if (sizes.some((/** @type {number | undefined} */ size) => size !== 1))
      throw new Error('a size is wrong');
  });
  for (const each of [bucket, store]) each.close();
  return { name: `asking about ${count} ids / a plain listing`, own: asking, other: listing, limit: 1.2 };
}

/** @param {Figure} figure */
function row({ name, own, other, limit }) {
  const ratio = own / other;
  return `| ${name} | ${own.toFixed(2)} s / ${other.toFixed(2)} s | ${ratio.toFixed(2)} | ${limit} | ${ratio <= limit ? 'ok' : 'MISS'} |`;
}

/** @param {readonly Figure[]} figures */
function report(figures) {
  const machine = describeMachine().map(([name, value]) => `| ${name} | ${value} |`);
  const table = [
    '| work | seconds | ratio | at most | verdict |',
    '| --- | ---: | ---: | ---: | --- |',
    ...figures.map(row),
  ];
  const intro =
    'Written by `npm run bench:bucket`: two rounds in turn, added up; Ceph radosgw with an OSD in memory on the same machine.';
  return `# Buckets\n\n${intro}\n\n${table.join('\n')}\n\n| machine | |\n| --- | --- |\n${machine.join('\n')}\n`;
}

async function main() {
  const values = readOptions(usage, {
    quick: { type: 'boolean', default: false },
    mib: { type: 'string' },
    ids: { type: 'string' },
    write: { type: 'boolean', default: false },
  });
  for (const name of ['ceph', 'restic']) ensureCompanion(name);
  const mib = Number(values.mib ?? (values.quick ? 128 : 1024));
  const ids = Number(values.ids ?? (values.quick ? 10_000 : 100_000));
  const { Ceph } = await import('../dist/tests/store/ceph.js');
  const folder = mkdtempSync(join(tmpdir(), 'disktro-bench-run-bucket-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.once(signal, () => process.exit(130));
  const ceph = await Ceph.start();
  Object.assign(process.env, ceph.environment);
  try {
    const figures = [...(await measureWays(folder, ceph, mib)), await measureAsking(ceph, ids)];
    for (const figure of figures) console.log(row(figure));
    const isFull = !values.quick && values.mib === undefined && values.ids === undefined;
    if (isFull || values.write) writeFileSync(new URL('BUCKETS.md', import.meta.url), report(figures));
  } finally {
    await ceph.stop();
  }
}

await main();
