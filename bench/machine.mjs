// @ts-check
/** Says what was measured, where and when: the commit, the machine, the versions. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disktroBin } from './peers.mjs';

/** @returns {readonly (readonly [string, string])[]} name and value, in order */
export function describeMachine() {
  const processors = cpus();
  return [
    ['date', new Date().toISOString().slice(0, 16).replace('T', ' ').concat(' UTC')],
    ['commit', commit()],
    ['processor', `${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} cores`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
    ['system', `${systemName()}, kernel ${release()}`],
    ['file system', firstLine('df', ['--output=fstype', tmpdir()], 1)],
    [
      'load before',
      loadavg()
        .map((load) => load.toFixed(1))
        .join(' '),
    ],
    ['node', process.version],
    ['disktro', firstLine(process.execPath, [disktroBin, '--version'])],
    ['restic', firstLine('restic', ['version'])],
    ['borg', firstLine('borg', ['--version'])],
    ['age', firstLine('age', ['--version'])],
    ['lz4', firstLine('lz4', ['--version'])],
  ];
}

function commit() {
  const cwd = dirname(fileURLToPath(import.meta.url));
  const git = (/** @type {string[]} */ ...args) =>
    spawnSync('git', args, { cwd, encoding: 'utf8' }).stdout?.trim();
  const head = git('rev-parse', '--short', '--verify', '--quiet', 'HEAD');
  if (!head) return 'none';
  return git('status', '--porcelain', '--untracked-files=no') ? `${head} with local changes` : head;
}

function systemName() {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {number} [line]
 */
function firstLine(program, args, line = 0) {
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return stdout?.split('\n')[line]?.replaceAll('*', '').trim() || 'not there';
}
