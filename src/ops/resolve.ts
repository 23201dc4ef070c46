/** What a person types for a file: a beginning of its id, its exact name, or `latest`. */
import { filesByPrefix, findFile, newestByName, newestFile } from '../catalog/files.js';
import type { FileId } from '../core/ids.js';
import { isStoreId } from '../core/ids.js';
import { nameTag } from '../core/sealed-record.js';
import { DisktroError, notFound } from '../errors.js';
import type { Home } from './home.js';
import { OpenVault, openedHome } from './vault.js';

const MIN_PREFIX = 8;
const HEX_PREFIX = /^[0-9a-fA-F]{8,64}$/;

/**
 * A unique prefix of 8 or more hex digits, an exact name (the newest of that name; needs a vault), or `latest`.
 * @throws E_NOT_FOUND; E_AMBIGUOUS with `details.matches`
 */
export function resolveFileId(home: Home, text: string): FileId {
  const { catalog } = openedHome(home);
  if (text === 'latest') return newestFile(catalog) ?? fail('there are no files yet');
  if (isStoreId(text) && findFile(catalog, text) !== undefined) return text as FileId;
  const matches = HEX_PREFIX.test(text) ? filesByPrefix(catalog, text.toLowerCase(), 10) : [];
  const [match] = matches;
  if (matches.length > 1) {
    throw new DisktroError(
      'E_AMBIGUOUS',
      `${matches.length === 10 ? 'at least 10' : matches.length} files begin with ${text}`,
      {
        hint: 'give more digits of the id',
        details: { matches },
      },
    );
  }
  if (match !== undefined) return match;
  const named = home instanceof OpenVault ? newestByName(catalog, nameTag(home.keys.name, text)) : undefined;
  return (
    named ??
    fail(`no file has the id, id prefix (${MIN_PREFIX} digits or more) or name ${JSON.stringify(text)}`)
  );
}

function fail(message: string): never {
  throw notFound(message, 'run `disktro ls` to see what there is');
}
