/** `disktro ls`: one line per stored file. */
import { isatty } from 'node:tty';
import { type FileFilter, isFilterEmpty } from '../../ops/file-filter.js';
import { type FileSummary, listFiles } from '../../ops/files.js';
import { NodeFiles } from '../../ops/node-files.js';
import { openedHome } from '../../ops/vault.js';
import { type Context, openVault } from '../context.js';
import { escapeControls } from '../escape.js';
import { type FilterFlags, filterOf } from '../filter-flags.js';
import { tableLines } from '../table.js';
import { formatBytes, formatLocalTime } from '../units.js';

const SHORT_ID_DIGITS = 12;
const HEADING = ['ID', 'SIZE', 'CREATED', 'COPIES', 'NAME'];

export async function run(context: Context, _operands: readonly string[], flags: FilterFlags): Promise<void> {
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
  const rows = files.map((file) => rowOf(file, config.replica_count, isForPeople));
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
