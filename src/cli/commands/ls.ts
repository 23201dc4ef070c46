/** `disktro ls`: one line per stored file, or per entry of one. */
import { isatty } from 'node:tty';
import { usageError } from '../../errors.js';
import { NodeFiles } from '../../ops/cluster/node-files.js';
import { type FileFilter, isFilterEmpty } from '../../ops/files/file-filter.js';
import { type FileSummary, listFiles } from '../../ops/files/files.js';
import { openedHome } from '../../ops/home/vault.js';
import { type ListedEntry, listEntries } from '../../ops/read/tree-listing.js';
import { type Context, openVault } from '../context.js';
import { escapeControls } from '../escape.js';
import { openToRead } from '../fetching.js';
import { type FilterFlags, filterOf } from '../filter-flags.js';
import { replicasOf } from '../node-context.js';
import { tableLines } from '../table.js';
import { formatBytes, formatLocalTime } from '../units.js';

const SHORT_ID_DIGITS = 12;
const HEADING = ['ID', 'SIZE', 'CREATED', 'COPIES', 'NAME'];

export async function run(
  context: Context,
  [id, inner]: readonly string[],
  flags: FilterFlags,
): Promise<void> {
  if (id === undefined) {
    await listAll(context, flags);
    return;
  }
  if (!isFilterEmpty(filterOf(context, flags))) {
    throw usageError('expected either an id or --tag, --host and --path, got both');
  }
  await listOne(context, inner === undefined ? id : `${id}:${inner}`);
}

async function listOne(context: Context, part: string): Promise<void> {
  const { output, signal } = context;
  await using doors = await openToRead(context);
  for await (const entry of listEntries(doors.vault, part, { signal, source: doors.source })) {
    if (output.isJson) output.record(entry);
    else output.result(entryLine(entry));
  }
}

const TYPE_LETTERS: Readonly<Record<ListedEntry['type'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  hardlink: 'h',
  fifo: 'p',
  block: 'b',
  character: 'c',
};

/** As `ls -l` writes it: `-rw-r--r--  anna   users     1234  2026-03-01 14:05  letters/may.txt`. */
function entryLine(entry: ListedEntry): string {
  const { type, uid, gid, user, group, size, device, mtime, target } = entry;
  const owner = `${escapeControls(user ?? String(uid)).padEnd(8)} ${escapeControls(group ?? String(gid)).padEnd(8)}`;
  const amount = device === undefined ? String(size) : device.join(',');
  const path = escapeControls(entry.path) + (type === 'directory' && entry.path !== '.' ? '/' : '');
  const arrow = type === 'hardlink' ? ' link to ' : ' -> ';
  const leads = target === undefined ? '' : `${arrow}${escapeControls(target)}`;
  return `${modeText(entry)}  ${owner}  ${amount.padStart(10)}  ${formatLocalTime(mtime)}  ${path}${leads}`;
}

/** `-rwsr-xr-t`. */
function modeText({ type, mode }: ListedEntry): string {
  const bits = Number.parseInt(mode, 8);
  const part = (shift: number, special: number, letter: string): string => {
    const three = bits >> shift;
    const runs = (three & 1) !== 0;
    const last = (bits & special) === 0 ? (runs ? 'x' : '-') : runs ? letter : letter.toUpperCase();
    return `${three & 4 ? 'r' : '-'}${three & 2 ? 'w' : '-'}${last}`;
  };
  return `${TYPE_LETTERS[type]}${part(6, 0o4000, 's')}${part(3, 0o2000, 's')}${part(0, 0o1000, 't')}`;
}

async function listAll(context: Context, flags: FilterFlags): Promise<void> {
  const filter = filterOf(context, flags);
  const { output, config } = context;
  await using vault = await openVault(context, { isReadOnly: true });
  const counted = await new NodeFiles(openedHome(vault)).otherMembers();
  if (output.isJson) {
    for (const file of listFiles(vault, counted, filter)) output.record(file);
    return;
  }
  const isForPeople = isatty(1);
  const files = [...listFiles(vault, counted, filter)];
  const rows = files.map((file) => rowOf(file, replicasOf(openedHome(vault), config), isForPeople));
  const lines = tableLines(isForPeople && rows.length > 0 ? [HEADING, ...rows] : rows);
  for (const [index, line] of lines.entries()) {
    output.result(isForPeople && index === 0 ? output.styles.stdout.heading(line) : line);
  }
  if (rows.length === 0) output.note(emptyRemark(filter));
}

function emptyRemark(filter: FileFilter): string {
  return isFilterEmpty(filter)
    ? 'no files yet: `disktro chunk PATH` stores one'
    : 'no file fits these filters';
}

function rowOf(file: FileSummary, replicas: number, isForPeople: boolean): string[] {
  return [
    isForPeople ? file.id.slice(0, SHORT_ID_DIGITS) : file.id,
    formatBytes(file.bytes),
    formatLocalTime(file.created),
    `${file.copies}/${replicas}`,
    escapeControls(file.name) + (file.kind === 'tree' ? '/' : ''),
  ];
}
