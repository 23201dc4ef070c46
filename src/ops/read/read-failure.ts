/** What a failed read of a file means to its owner: which file is hit, and how much of it is not here. */
import type { FileId } from '../../core/ids.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import { storedName } from '../files/stored-facts.js';
import type { OpenHome } from '../home/home.js';
import type { Vault } from '../home/vault.js';
import { opened } from '../home/vault.js';

/** The error to end with. One that is not about the objects of the file comes back as it is. */
export async function readFailure(vault: Vault, id: FileId, error: unknown): Promise<unknown> {
  if (!isDisktroError(error) || error.details === undefined) return error;
  const { object, names } = error.details;
  const { home } = opened(vault);
  if (error.code === 'E_PEER_UNREACHABLE' && Array.isArray(names)) {
    const objects = await countMissing(home, id);
    const what = objects === 1 ? '1 object is' : `${objects} objects are`;
    const isOne = names.length === 1;
    return retold(error, `${what} not here, and ${names.join(', ')} ${isOne ? 'is' : 'are'} out of reach`, {
      objects,
    });
  }
  const name = object === undefined ? undefined : storedName(vault, id);
  if (name === undefined) return error;
  return retold(error, `${name}: ${error.message}`, { file: id });
}

function retold(error: DisktroError, message: string, facts: object): DisktroError {
  return new DisktroError(error.code, message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    details: { ...error.details, ...facts },
    cause: error,
  });
}

/** Objects of a file whose files are not in this store. */
async function countMissing({ objects, store }: OpenHome, id: FileId): Promise<number> {
  const rows = objects.descendants(id);
  let missing = 0;
  for (const kind of ['manifest', 'chunk'] as const) {
    const ids = rows.filter((row) => row.kind === kind).map(({ storeId }) => storeId);
    missing += (await store.sizes(kind, ids)).filter((size) => size === undefined).length;
  }
  return missing;
}
