/** `disktro diff`: how two stored files or trees differ. */
import { type Change, diffTrees, type TreeChange } from '../../ops/read/tree-diff.js';
import type { Context } from '../context.js';
import { escapeControls } from '../escape.js';
import { openToRead } from '../fetching.js';
import { count, formatBytes } from '../units.js';

const MARKS: Readonly<Record<Change, string>> = {
  added: '+',
  removed: '-',
  content: 'M',
  metadata: 'm',
  type: 'T',
};

export async function run(context: Context, [before = '', after = '']: readonly string[]): Promise<void> {
  const { output, signal, config } = context;
  await using doors = await openToRead(context);
  const { vault, source } = doors;
  const counts = { added: 0, removed: 0, content: 0, metadata: 0, type: 0 };
  for await (const change of diffTrees(vault, before, after, { signal, source, workers: config.workers })) {
    counts[change.change]++;
    if (output.isJson) output.record(change);
    else output.result(lineOf(change));
  }
  const { added, removed, content, metadata, type } = counts;
  const changed = content + type;
  const all = added + removed + changed + metadata;
  output.note(
    all === 0
      ? 'no differences'
      : `${count(all, 'difference')}: ${added} added, ${removed} removed, ${changed} changed, ${metadata} in metadata only`,
  );
}

function lineOf({ change, path, type, before, after }: TreeChange): string {
  const name = escapeControls(path) + (type === 'directory' ? '/' : '');
  return `${MARKS[change]}  ${sizesOf(type, before, after)}  ${name}`;
}

/** `1.0 KiB`, or `1.0 KiB -> 2.0 KiB` where it changed. */
function sizesOf(type: TreeChange['type'], before: number | undefined, after: number | undefined): string {
  if (type === 'directory') return '-'.padStart(8);
  const present = formatBytes(after ?? before ?? 0).padStart(8);
  if (before === undefined || after === undefined || before === after) return present;
  return `${formatBytes(before).padStart(8)} -> ${formatBytes(after)}`;
}
