/**
 * A home again for a vault whose objects are in a bucket: its slots from the record there, its catalog from the manifests.
 * The home that had the bucket before writes there no more.
 */
import { newToken } from '../../catalog/sessions.js';
import { DisktroError } from '../../errors.js';
import type { SignedVaultRecord } from '../../net/vault-record.js';
import { nodeFileSystem } from '../../store/file-system.js';
import { homePaths } from '../../store/paths.js';
import type { S3Store } from '../../store/s3-store.js';
import { formatStoreUrl, parseStoreUrl } from '../../store/store-url.js';
import { slotsOfRecord } from '../cluster/vault-record.js';
import { claimStore, ownerOf } from '../home/outer-store.js';
import { layOutHome } from '../home/vault.js';
import {
  readStoreFile,
  readVaultFile,
  type StoreFile,
  type VaultFile,
  writeStoreFile,
} from '../home/vault-files.js';
import { rebuildCatalog } from '../upkeep/rebuild.js';
import type { RecoverOptions, RecoverResult } from './recover.js';

/** @throws E_VAULT_EXISTS when the home has another vault, or this one elsewhere. Run again it goes on where it was. */
export async function takeOverBucket(
  store: S3Store,
  record: SignedVaultRecord,
  vaultFile: VaultFile,
  options: RecoverOptions,
): Promise<RecoverResult> {
  const startedMs = performance.now();
  const paths = homePaths(options.home);
  const present = await presentStore(vaultFile, options);
  if (present === undefined) {
    const claim = () => claimStore(store, options.from);
    await layOutHome(options, { vaultFile, slots: slotsOfRecord(record), claim });
  } else if (ownerOf(await store.readNote('home.json')) !== present.owner) {
    // Another home had it meanwhile: it comes back to this one.
    await writeStoreFile(nodeFileSystem, paths, newToken(), await claimStore(store, options.from));
  }
  const { files, damaged } = await rebuildCatalog({
    ...options,
    password: options.secret,
    onProgress: ({ objects }) => options.onProgress?.({ done: objects, total: undefined }),
  });
  return {
    home: options.home,
    vaultId: vaultFile.vaultId,
    files,
    failed: damaged,
    nodes: [],
    unreachable: [],
    seconds: (performance.now() - startedMs) / 1000,
  };
}

/** What the home says of its store, when it is one of this vault already. */
async function presentStore(
  { vaultId }: VaultFile,
  { home, from }: RecoverOptions,
): Promise<StoreFile | undefined> {
  const paths = homePaths(home);
  const present = await readVaultFile(nodeFileSystem, paths);
  if (present === undefined) return undefined;
  const stored = await readStoreFile(nodeFileSystem, paths);
  const isHere = stored !== undefined && spelledOnce(stored.url) === spelledOnce(from);
  if (present.vaultId === vaultId && isHere) return stored;
  throw new DisktroError('E_VAULT_EXISTS', `there is another vault at ${home} already`, {
    hint: 'name an empty folder with --home',
  });
}

function spelledOnce(url: string): string {
  return formatStoreUrl(parseStoreUrl(url));
}
