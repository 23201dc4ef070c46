/** Opens a home for commands that are given ids: without its key where that is enough. */
import { isDisktroError } from '../errors.js';
import { resolveFileId } from '../ops/files/resolve.js';
import type { Home } from '../ops/home/home.js';
import { type Context, openHome, openVault } from './context.js';

/** What may be told from the catalog alone; anything else is a name, and names are encrypted. */
const NEEDS_NO_KEY = /^(?:[0-9a-f]{8,64}|latest)$/i;

/** The home without its key when that is enough to find every text; a name may look like an id. */
export async function openForIds(context: Context, texts: readonly string[]): Promise<Home> {
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
