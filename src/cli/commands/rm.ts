/** `disktro rm`: removes stored files. Their space is freed by gc, after its grace. */
import { isDisktroError } from '../../errors.js';
import { removeFiles } from '../../ops/files.js';
import type { Home } from '../../ops/home.js';
import { resolveFileId } from '../../ops/resolve.js';
import { type Context, openHome, openVault } from '../context.js';
import { count, formatBytes, formatSeconds } from '../units.js';

/** What may be told from the catalog alone; anything else is a name, and names are encrypted. */
const NEEDS_NO_KEY = /^(?:[0-9a-f]{8,64}|latest)$/i;

export async function run(context: Context, texts: readonly string[]): Promise<void> {
  const { output, config } = context;
  await using home = await openFor(context, texts);
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

/** The home without its key when that is enough to find every text; a name may look like an id. */
async function openFor(context: Context, texts: readonly string[]): Promise<Home> {
  if (!texts.every((text) => NEEDS_NO_KEY.test(text))) return openVault(context);
  const home = await openHome(context);
  try {
    for (const text of texts) resolveFileId(home, text);
    return home;
  } catch (error) {
    await home.close();
    if (!isDisktroError(error, 'E_NOT_FOUND')) throw error;
    return openVault(context).catch((refusal: unknown) => {
      throw isDisktroError(refusal, 'E_PASSWORD_NEEDED') ? error : refusal;
    });
  }
}
