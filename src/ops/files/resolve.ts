/** What a person types for a file: a beginning of its id, its exact name, `latest`, or `latest:PATH`. */
import os from 'node:os';
import path from 'node:path';
import { filesByPrefix, findFile, newestByName, newestByPath, newestFile } from '../../catalog/files.js';
import type { FileId } from '../../core/ids.js';
import { isStoreId } from '../../core/ids.js';
import { nameTag, pathTag } from '../../core/sealed-record.js';
import { DisktroError, notFound } from '../../errors.js';
import type { Home } from '../home/home.js';
import { OpenVault, openedHome } from '../home/vault.js';

const MIN_PREFIX = 8;
const LATEST_OF = 'latest:';
const HEX_PREFIX = /^[0-9a-fA-F]{8,64}$/;

/**
 * A unique prefix of 8 or more hex digits, an exact name (the newest of that name; needs a vault), `latest`, or
 * `latest:PATH` (the newest that lay at that path of this host; needs a vault; relative ones count from the working folder).
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
  if (named === undefined && text.startsWith(LATEST_OF)) return latestOf(home, text.slice(LATEST_OF.length));
  return (
    named ??
    fail(`no file has the id, id prefix (${MIN_PREFIX} digits or more) or name ${JSON.stringify(text)}`)
  );
}

function latestOf(home: Home, place: string): FileId {
  const absolute = path.resolve(place);
  const vault = home instanceof OpenVault ? home : undefined;
  const tag = vault && pathTag(vault.keys.name, os.hostname(), absolute);
  const found = vault && tag && newestByPath(vault.home.catalog, tag);
  return found ?? fail(`nothing is stored that lay at ${JSON.stringify(absolute)} on this host`);
}

function fail(message: string): never {
  throw notFound(message, 'run `disktro ls` to see what there is');
}
