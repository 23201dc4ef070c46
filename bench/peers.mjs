// @ts-check
/**
 * How each tool does each work: the commands, and nothing about measuring them. Encryption is on everywhere,
 * durability is what the tool does by default. A tool whose name ends in `+ sync` is the same one followed by
 * an fsync of its output, which is what disktro has done by the time it returns.
 */
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./measure.mjs').Command} Command */
/** @typedef {import('./scratch.mjs').Room} Room */
/** @typedef {import('./programs.mjs').Program} Program */

/**
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} [setting] what is not its default
 * @property {Readonly<Partial<Record<'backup' | 'backupAgain' | 'restore', string>>>} labels what its commands are called
 * @property {string} family tools of one family read each other's repositories
 * @property {readonly Program[]} programs
 * @property {(room: Room) => Command[]} init makes the repository; not measured
 * @property {(room: Room, file: string) => Command} backup
 * @property {(room: Room, file: string) => Command} [backupAgain] reads an unchanged file once more
 * @property {(room: Room, file: string) => Command} restore into `room/out`
 * @property {(room: Room, file: string) => string} restoredPath
 * @property {(room: Room) => string} storedPath what holds the file's data
 */

const password = 'correct horse battery staple';
const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** The launcher; `DISKTRO_BIN` names another one, so that two builds can be compared. */
export const disktroBin = process.env.DISKTRO_BIN ?? `${repository}/bin/disktro.js`;

/** @type {Tool} */
export const disktro = {
  name: 'disktro',
  labels: {},
  family: 'disktro',
  programs: [],
  init: (room) => [disktroCommand(room, ['init', '--recovery-file', room.at('recovery')])],
  backup: (room, file) => disktroCommand(room, ['chunk', '--no-replicate', file]),
  backupAgain: (room, file) => disktroCommand(room, ['chunk', '--no-replicate', '--force', file]),
  restore: (room, file) =>
    disktroCommand(room, ['reassemble', room.lastPrinted, '-o', disktro.restoredPath(room, file), '--force']),
  restoredPath: (room) => room.at('out', 'restored'),
  storedPath: (room) => room.at('home', 'objects'),
};

/** What restic does unless told otherwise. @type {Tool} */
export const disktroZstd = {
  ...disktro,
  name: 'disktro, zstd:3',
  setting: 'zstd:3',
  backup: (room, file) => disktroCommand(room, ['chunk', '--no-replicate', '--compression', 'zstd:3', file]),
};

/** @type {Tool} */
export const restic = {
  name: 'restic',
  labels: { backup: 'restic backup', backupAgain: 'restic backup --force', restore: 'restic restore' },
  family: 'restic',
  programs: ['restic'],
  init: (room) => [resticCommand(room, ['init'])],
  backup: (room, file) => resticCommand(room, ['backup', file]),
  backupAgain: (room, file) => resticCommand(room, ['backup', '--force', file]),
  restore: (room) => resticCommand(room, ['restore', 'latest', '--target', room.at('out')]),
  restoredPath: (room, file) => `${room.at('out')}${file}`,
  storedPath: (room) => room.at('restic', 'data'),
};

/** @type {Tool} */
export const borg = {
  name: 'borg',
  labels: { backup: 'borg create -C lz4', restore: 'borg extract' },
  family: 'borg',
  programs: ['borg'],
  init: (room) => [borgCommand(room, ['init', '--encryption=repokey-blake2'])],
  backup: (room, file) => borgCommand(room, ['create', '--compression=lz4', '::one', file]),
  restore: (room) => ({ ...borgCommand(room, ['extract', '::one']), cwd: room.at('out') }),
  restoredPath: (room, file) => `${room.at('out')}${file}`,
  storedPath: (room) => room.at('borg', 'data'),
};

/** @type {Tool} */
export const lz4Age = {
  name: 'lz4 | age',
  labels: { backup: 'lz4 -c | age -R', restore: 'age -d | lz4 -d' },
  family: 'lz4 | age',
  programs: ['lz4', 'age', 'age-keygen'],
  init: (room) => [
    command(room, ['age-keygen', '-o', room.at('key')]),
    pipeline(room, 'age-keygen -y "$1" > "$2"', [room.at('key'), room.at('recipient')]),
  ],
  backup: (room, file) =>
    pipeline(room, 'lz4 -c "$1" | age -R "$2" > "$3"', [file, room.at('recipient'), room.at('sealed')]),
  restore: (room, file) =>
    pipeline(room, 'age -d -i "$1" "$2" | lz4 -dc > "$3"', [
      room.at('key'),
      room.at('sealed'),
      lz4Age.restoredPath(room, file),
    ]),
  restoredPath: (room) => room.at('out', 'restored'),
  storedPath: (room) => room.at('sealed'),
};

/** @type {Tool} */
export const lz4AgeSynced = {
  ...lz4Age,
  name: 'lz4 | age + sync',
  labels: { backup: 'lz4 -c | age -R, sync', restore: 'age -d | lz4 -d, sync' },
  backup: (room, file) => synced(room, lz4Age.backup(room, file), room.at('sealed')),
  restore: (room, file) => synced(room, lz4Age.restore(room, file), lz4Age.restoredPath(room, file)),
};

/** @type {Tool} */
export const resticSynced = {
  ...restic,
  name: 'restic + sync',
  labels: { restore: 'restic restore, sync' },
  restore: (room, file) => synced(room, restic.restore(room, file), restic.restoredPath(room, file)),
};

/** @type {Tool} */
export const borgSynced = {
  ...borg,
  name: 'borg + sync',
  labels: { restore: 'borg extract, sync' },
  restore: (room, file) => synced(room, borg.restore(room, file), borg.restoredPath(room, file)),
};

/**
 * A command in a room: its own home and temporary folder, and nothing of the caller's environment but PATH.
 *
 * @param {Room} room
 * @param {readonly string[]} argv
 * @param {Readonly<Record<string, string>>} [env]
 * @returns {Command}
 */
export function command(room, argv, env = {}) {
  const path = process.env.PATH ?? ['/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
  return {
    argv,
    cwd: room.path,
    env: { PATH: path, HOME: room.path, TMPDIR: room.path, LANG: 'C.UTF-8', ...env },
  };
}

/**
 * @param {Room} room
 * @param {readonly string[]} args
 */
function disktroCommand(room, args) {
  const argv = [process.execPath, disktroBin, '--home', room.at('home'), '--no-progress', ...args];
  return command(room, argv, { DISKTRO_PASSWORD: password });
}

/**
 * @param {Room} room
 * @param {readonly string[]} args
 */
function resticCommand(room, args) {
  return command(room, ['restic', '--quiet', ...args], {
    RESTIC_REPOSITORY: room.at('restic'),
    RESTIC_CACHE_DIR: room.at('restic-cache'),
    RESTIC_PASSWORD: password,
  });
}

/**
 * @param {Room} room
 * @param {readonly string[]} args
 */
function borgCommand(room, args) {
  return command(room, ['borg', ...args], {
    BORG_REPO: room.at('borg'),
    BORG_BASE_DIR: room.at('borg-base'),
    BORG_PASSPHRASE: password,
  });
}

/**
 * @param {Room} room
 * @param {string} script
 * @param {readonly string[]} args
 */
function pipeline(room, script, args) {
  return command(room, ['bash', '-c', `set -o pipefail; ${script}`, 'bash', ...args]);
}

/**
 * @param {Room} room
 * @param {Command} plain
 * @param {string} output
 * @returns {Command}
 */
function synced(room, plain, output) {
  const argv = ['bash', '-c', 'out="$1"; shift; "$@" && sync "$out"', 'bash', output, ...plain.argv];
  return { ...plain, argv, cwd: plain.cwd ?? room.path };
}
