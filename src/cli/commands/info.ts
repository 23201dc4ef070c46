/** `disktro info`: what is known of one stored file. */
import { type FileInfo, fileInfo } from '../../ops/files.js';
import { resolveFileId } from '../../ops/resolve.js';
import { type Context, openVault } from '../context.js';
import { escapeControls } from '../escape.js';
import { tableLines } from '../table.js';
import { count, formatBytes, formatLocalTime } from '../units.js';

export async function run(context: Context, [id = '']: readonly string[]): Promise<void> {
  const { output, config } = context;
  await using vault = await openVault(context, { isReadOnly: true });
  const info = await fileInfo(vault, resolveFileId(vault, id));
  if (output.isJson) {
    output.record(info);
    return;
  }
  const { heading } = output.styles.stdout;
  const facts = factsOf(info, config.replica_count);
  const lines = tableLines(facts.map(([label, value]) => [`${label}:`, escapeControls(value)]));
  for (const line of lines) output.result(line);
  if (info.kind !== 'tree') return;
  output.result(heading('entries:'));
  for (const line of entryLines(info)) output.result(line);
}

function factsOf(info: FileInfo, replicas: number): [label: string, value: string][] {
  return [
    ['id', info.id],
    ['name', info.name],
    ['kind', info.kind],
    ['size', `${formatBytes(info.bytes)} (${info.bytes} bytes)`],
    ['stored', `${formatBytes(info.storedBytes)} in ${count(info.chunks, 'chunk')}`],
    ['created', formatLocalTime(info.created)],
    ['host', info.host],
    ['tags', info.tags.length === 0 ? '-' : info.tags.join(', ')],
    ['copies', `${info.copies} of ${replicas}`],
    ['format', `manifest version ${info.manifestVersion}`],
  ];
}

function entryLines({ entries, entryCount }: FileInfo): string[] {
  const lines = tableLines(
    entries.map(({ mode, size, mtime, path }) => [
      `  ${mode}`,
      formatBytes(size),
      formatLocalTime(mtime),
      escapeControls(path),
    ]),
  );
  const rest = entryCount - entries.length;
  return rest > 0 ? [...lines, `  and ${rest} more`] : lines;
}
