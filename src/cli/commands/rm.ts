/** `disktro rm`: removes stored files. Their space is freed by gc, after its grace. */
import { removeFiles } from '../../ops/files.js';
import { resolveFileId } from '../../ops/resolve.js';
import { type Context, openHome, openVault } from '../context.js';
import { count, formatBytes, formatSeconds } from '../units.js';

/** What can be told from the catalog alone; anything else is a name, and names are encrypted. */
const NEEDS_NO_KEY = /^(?:[0-9a-f]{8,64}|latest)$/i;

export async function run(context: Context, texts: readonly string[]): Promise<void> {
  const { output, config } = context;
  const isKeyNeeded = !texts.every((text) => NEEDS_NO_KEY.test(text));
  await using home = isKeyNeeded ? await openVault(context) : await openHome(context);
  const ids = [...new Set(texts.map((text) => resolveFileId(home, text)))];
  const result = await removeFiles(home, ids);
  if (output.isJson) output.record(result);
  else for (const id of result.removed) output.result(id);
  const freed = `${count(result.tombstoned, 'object')} (${formatBytes(result.tombstonedBytes)})`;
  output.note(
    `removed ${count(result.removed.length, 'file')}; ${freed} no longer needed: ` +
      `\`disktro gc\` frees them after a grace of ${formatSeconds(config.delete_grace)}`,
  );
}
