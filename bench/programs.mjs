// @ts-check
/**
 * Finds the programs the bench needs, and installs those missing where that is possible: as root on Debian.
 * Elsewhere it only says what is missing.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian package of each program. */
const packages = /** @type {const} */ ({
  time: 'time',
  restic: 'restic',
  borg: 'borgbackup',
  age: 'age',
  'age-keygen': 'age',
  lz4: 'lz4',
});

/** @typedef {keyof typeof packages} Program */

/**
 * @param {string} name
 * @returns {string | undefined} absolute path
 */
export function programPath(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/**
 * Installs what can be installed and returns what is still missing.
 *
 * @param {(line: string) => void} log
 * @returns {Program[]}
 */
export function ensurePrograms(log) {
  const before = missingPrograms();
  if (before.length === 0 || !canInstall()) return before;
  const wanted = [...new Set(before.map((name) => packages[name]))];
  log(`installing ${wanted.join(' ')}`);
  if (!aptInstall(wanted) && aptGet(['update'])) aptInstall(wanted);
  return missingPrograms();
}

/**
 * @param {readonly Program[]} missing
 * @returns {string} how a person gets them
 */
export function installHint(missing) {
  const wanted = [...new Set(missing.map((name) => packages[name]))];
  return `missing: ${missing.join(', ')}; on Debian or Ubuntu: apt-get install ${wanted.join(' ')}`;
}

function missingPrograms() {
  const names = /** @type {Program[]} */ (Object.keys(packages));
  return names.filter((name) => programPath(name) === undefined);
}

function canInstall() {
  return (
    process.getuid?.() === 0 && existsSync('/etc/debian_version') && programPath('apt-get') !== undefined
  );
}

/** @param {readonly string[]} names */
function aptInstall(names) {
  return aptGet(['install', '--yes', '--no-install-recommends', ...names]);
}

/**
 * @param {readonly string[]} args
 * @returns {boolean} whether it went well; what it printed goes to stderr
 */
function aptGet(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', ['--quiet', ...args], { env, stdio: ['ignore', 2, 2] }).status === 0;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
