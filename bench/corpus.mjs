// @ts-check
/**
 * The files that are chunked and reassembled. Made once and kept under the temporary folder, so that later runs
 * measure the same bytes; what a corpus is made of is kept beside it.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeMixed } from './corpus-mixed.mjs';
import { xored } from './xored.mjs';

/** @typedef {'mixed' | 'mixed8' | 'random' | 'tiny'} CorpusName */

/**
 * @typedef {object} Part
 * @property {string} kind
 * @property {number} files
 * @property {number} bytes
 * @property {number | undefined} lz4Ratio compressed size over size
 *
 * @typedef {object} Corpus
 * @property {CorpusName} name
 * @property {string} path
 * @property {number} bytes
 * @property {string} sha256
 * @property {readonly Part[]} [parts] of the mixed corpus, the whole last
 *
 * @typedef {object} MakeOptions
 * @property {number} unitBytes size of `mixed` and `random`
 * @property {AbortSignal} signal
 * @property {(line: string) => void} log
 */

/** Part of each file name: a change of recipe makes new corpora. */
const recipe = 'v1';
const blockBytes = 4 * 1024 * 1024;
const tinyBytes = 1024;
const repeats = 8;

/**
 * Gives a corpus, making it first if it is not kept from an earlier run.
 *
 * @param {CorpusName} name
 * @param {MakeOptions} options
 * @returns {Promise<Corpus>}
 */
export async function ensureCorpus(name, options) {
  const folder = await cacheFolder();
  const bytes = corpusBytes(name, options.unitBytes);
  const path = join(folder, `${name}-${bytes}-${recipe}`);
  const kept = await readKept(path, bytes);
  if (kept) return kept;
  options.log(`making the corpus ${name} (${bytes} bytes)`);
  const partial = `${path}.partial-${process.pid}`;
  try {
    const parts = await writeCorpus(name, partial, options);
    const corpus = { name, path, bytes, sha256: await hashFile(partial), ...(parts && { parts }) };
    await rename(partial, path);
    await writeFile(`${path}.json`, JSON.stringify(corpus));
    return corpus;
  } finally {
    await rm(partial, { force: true });
  }
}

/** @returns {Promise<number>} bytes of all corpora kept from earlier runs */
export async function keptBytes() {
  const folder = await cacheFolder();
  const sizes = (await readdir(folder)).map(async (name) => (await lstat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
}

/**
 * @param {CorpusName} name
 * @param {number} unitBytes
 */
export function corpusBytes(name, unitBytes) {
  if (name === 'tiny') return tinyBytes;
  return name === 'mixed8' ? repeats * unitBytes : unitBytes;
}

/**
 * @param {CorpusName} name
 * @param {string} path
 * @param {MakeOptions} options
 * @returns {Promise<Part[] | undefined>}
 */
async function writeCorpus(name, path, options) {
  const file = await open(path, 'wx', 0o600);
  try {
    if (name === 'mixed') return await writeMixed(file, options);
    if (name === 'mixed8') await writeRepeated(file, options);
    else await writeRandom(file, corpusBytes(name, options.unitBytes), options.signal);
    return undefined;
  } finally {
    await file.sync();
    await file.close();
  }
}

/**
 * Repeats the mixed corpus, each time with every byte xored with another value: it compresses as before, but no
 * chunk of one copy is a chunk of another.
 *
 * @param {import('node:fs/promises').FileHandle} file
 * @param {MakeOptions} options
 */
async function writeRepeated(file, options) {
  const mixed = await ensureCorpus('mixed', options);
  for (let copy = 0; copy < repeats; copy++) {
    for await (const block of createReadStream(mixed.path, { highWaterMark: blockBytes })) {
      options.signal.throwIfAborted();
      await file.write(xored(block, copy * 0x11));
    }
  }
}

/**
 * @param {import('node:fs/promises').FileHandle} file
 * @param {number} bytes
 * @param {AbortSignal} signal
 */
async function writeRandom(file, bytes, signal) {
  const block = Buffer.alloc(Math.min(bytes, blockBytes));
  for (let done = 0; done < bytes; done += block.length) {
    signal.throwIfAborted();
    await file.write(randomFillSync(block), 0, Math.min(block.length, bytes - done));
  }
}

/**
 * @param {string} path
 * @param {number} bytes
 * @returns {Promise<Corpus | undefined>}
 */
async function readKept(path, bytes) {
  try {
    if ((await lstat(path)).size !== bytes) return undefined;
    return { ...JSON.parse(await readFile(`${path}.json`, 'utf8')), path };
  } catch {
    return undefined;
  }
}

/** @param {string} path */
async function hashFile(path) {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path, { highWaterMark: blockBytes })) hash.update(block);
  return hash.digest('hex');
}

/** The temporary folder is everybody's: a folder somebody else made there is not used. */
async function cacheFolder() {
  const path = join(tmpdir(), 'disktro-bench-corpora');
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid())) {
    throw new Error(`${path}: expected a folder of this user, found something else`);
  }
  return path;
}
