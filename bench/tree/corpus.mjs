// @ts-check
/** A tree of real files: what /usr/include and /usr/share hold here, copied once, small files above all. */
import { existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../measure.mjs';

const sources = ['/usr/include', '/usr/share'];

/**
 * @typedef {object} TreeCorpus
 * @property {string} path
 * @property {readonly string[]} files
 * @property {number} bytes
 */

/**
 * @param {AbortSignal} signal
 * @returns {Promise<TreeCorpus>}
 */
export async function treeCorpus(signal) {
  const folder = join(tmpdir(), 'disktro-bench-corpora');
  const path = join(folder, 'tree');
  await mkdir(folder, { recursive: true });
  if (!existsSync(path)) {
    const unfinished = `${path}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    await mkdir(unfinished);
    const env = { PATH: process.env.PATH ?? '' };
    await run({ argv: ['cp', '-a', '--', ...sources, unfinished], cwd: folder, env }, { signal });
    renameSync(unfinished, path);
  }
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name));
  const files = names.filter((name) => lstatSync(name).isFile()).sort();
  return { path, files, bytes: files.reduce((sum, file) => sum + lstatSync(file).size, 0) };
}
