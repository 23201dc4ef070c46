/** `disktro info`: what is known of one stored file. */

import { shortNodeId } from '../../net/node-id.js';
import { NodeFiles } from '../../ops/cluster/node-files.js';
import { type FileInfo, fileInfo } from '../../ops/files/files.js';
import { resolveFileId } from '../../ops/files/resolve.js';
import { openedHome } from '../../ops/home/vault.js';
import { type Context, openVault } from '../context.js';
import { escapeControls } from '../escape.js';
import { replicasOf } from '../node-context.js';
import { tableLines } from '../table.js';
import { count, formatBytes, formatLocalTime } from '../units.js';

export async function run(context: Context, [id = '']: readonly string[]): Promise<void> {
  const { output, config } = context;
  await using vault = await openVault(context, { isReadOnly: true });
  const files = new NodeFiles(openedHome(vault));
  const found = await fileInfo(vault, resolveFileId(vault, id), await files.otherMembers());
  const names = await files.memberNames();
  const holders = found.holders.map((holder) => ({
    ...holder,
    name: names.get(holder.node) ?? shortNodeId(holder.node),
  }));
  const info = { ...found, holders };
  if (output.isJson) {
    output.record(info);
    return;
  }
  const { heading } = output.styles.stdout;
  const facts = factsOf(info, replicasOf(openedHome(vault), config));
  const lines = tableLines(facts.map(([label, value]) => [`${label}:`, escapeControls(value)]));
  for (const line of lines) output.result(line);
  if (info.kind !== 'tree') return;
  output.result(heading('entries:'));
  for (const line of entryLines(info)) output.result(line);
}

interface ShownInfo extends FileInfo {
  readonly holders: readonly (FileInfo['holders'][number] & { readonly name: string })[];
}

function factsOf(info: ShownInfo, replicas: number): [label: string, value: string][] {
  return [
    ['id', info.id],
    ['name', info.name],
    ['kind', info.kind],
    ['size', `${formatBytes(info.bytes)} (${info.bytes} bytes)`],
    ['stored', `${formatBytes(info.storedBytes)} in ${count(info.chunks, 'chunk')}`],
    ['created', formatLocalTime(info.created)],
    ['host', info.host],
    ['tags', info.tags.length === 0 ? '-' : info.tags.join(', ')],
    ['proven', info.proven === null ? 'never' : formatLocalTime(info.proven)],
    ['copies', `${info.copies} of ${replicas}`],
    ['nodes', nodesText(info)],
    ['format', `manifest version ${info.manifestVersion}`],
  ];
}

/** `this node, nas, attic (12 of 40 objects)`. */
function nodesText({ holders, objects }: ShownInfo): string {
  const others = holders.map(({ name, objects: held }) => {
    return held === objects ? name : `${name} (${held} of ${count(objects, 'object')})`;
  });
  return ['this node', ...others].join(', ');
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
