/** `disktro rm`: removes stored files. Their space is freed by gc, after its grace. */
import { type RemoveResult, removeFiles } from '../../ops/files/files.js';
import { resolveFileId } from '../../ops/files/resolve.js';
import type { Context } from '../context.js';
import { openForIds } from '../open-for-ids.js';
import { count, formatBytes, formatSeconds } from '../units.js';

export async function run(context: Context, texts: readonly string[]): Promise<void> {
  const { output } = context;
  await using home = await openForIds(context, texts);
  const ids = [...new Set(texts.map((text) => resolveFileId(home, text)))];
  const result = await removeFiles(home, ids);
  if (output.isJson) output.record(result);
  else for (const id of result.removed) output.result(id);
  output.note(`${removalText(result)}: ${graceText(context)}`);
}

/** `removed 3 files; 12 objects (1.0 MiB) no longer needed`. */
export function removalText({ removed, tombstoned, tombstonedBytes }: RemoveResult): string {
  const freed = `${count(tombstoned, 'object')} (${formatBytes(tombstonedBytes)})`;
  return `removed ${count(removed.length, 'file')}; ${freed} no longer needed`;
}

export function graceText({ config }: Context): string {
  return `\`disktro gc\` frees them after a grace of ${formatSeconds(config.delete_grace)}`;
}
