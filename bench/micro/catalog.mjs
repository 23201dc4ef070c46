// @ts-check
/** The catalog with five million chunks: its size, a lookup that hits, one that misses, and the commit of a batch. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog } from '../../dist/src/catalog/catalog.js';
import { commitChunks } from '../../dist/src/catalog/commits.js';
import { ObjectTable } from '../../dist/src/catalog/objects.js';

const CHUNKS = Number(process.env.BENCH_CATALOG_CHUNKS ?? 5_000_000);
const FILL_BATCH = 100_000;
const BATCH = 256;

export async function benchCatalog() {
  const folder = await mkdtemp(join(tmpdir(), 'disktro-bench-catalog-'));
  try {
    return await measure(join(folder, 'catalog.db'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} file */
async function measure(file) {
  const catalog = Catalog.create(file);
  const objects = new ObjectTable(catalog);
  const fillStart = performance.now();
  for (let from = 0; from < CHUNKS; from += FILL_BATCH) commitChunks(catalog, 1, chunks(from, FILL_BATCH));
  const fillSeconds = (performance.now() - fillStart) / 1e3;
  const lookups = 20_000;
  const step = Math.floor(CHUNKS / lookups);
  const hit = average(lookups, (index) => objects.findPlain(/** @type {any} */ (hex('p', index * step))));
  const miss = average(lookups, (index) => objects.findPlain(/** @type {any} */ (hex('x', index))));
  const commits = 50;
  const commit = average(commits, (index) => commitChunks(catalog, 1, chunks(CHUNKS + index * BATCH, BATCH)));
  catalog.close();
  const { size } = await stat(file);
  return [
    {
      what: `size with ${CHUNKS.toLocaleString('en')} chunks`,
      figure: `${Math.round(size / 2 ** 20)} MiB, ${Math.round(size / CHUNKS)} B a chunk`,
    },
    { what: 'filling it, batches of 100,000', figure: `${fillSeconds.toFixed(0)} s` },
    { what: 'lookup of a plain id that is there', figure: `${hit.toFixed(1)} µs` },
    { what: 'lookup of one that is not', figure: `${miss.toFixed(1)} µs` },
    { what: `durable commit of ${BATCH} chunks`, figure: `${(commit / 1e3).toFixed(1)} ms` },
  ];
}

/** @param {number} from @param {number} count */
function chunks(from, count) {
  return Array.from({ length: count }, (_, offset) => ({
    storeId: /** @type {any} */ (hex('s', from + offset)),
    kind: /** @type {const} */ ('chunk'),
    plainId: /** @type {any} */ (hex('p', from + offset)),
    rawBytes: 2 ** 20,
    storedBytes: 2 ** 19,
    children: [],
  }));
}

/** @param {string} salt @param {number} index */
function hex(salt, index) {
  return createHash('sha256').update(`${salt}${index}`).digest('hex');
}

/** @param {number} calls @param {(index: number) => unknown} work @returns {number} microseconds a call */
function average(calls, work) {
  const start = performance.now();
  for (let index = 0; index < calls; index++) work(index);
  return ((performance.now() - start) * 1e3) / calls;
}
