/**
 * Which buckets and folders this machine may use, and with what keys: `node/holders.json`, mode 0600, and for keys that
 * are not in it the environment and the files of AWS tools. A store is used here only after a person has added it here:
 * what members say of URLs is never acted on. Keys go into signatures and nowhere else.
 */
import type { NodeId } from '../../core/ids.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import type { FileSystem } from '../../store/file-system.js';
import { FolderStore } from '../../store/folder-store.js';
import type { HolderStore } from '../../store/holder-store.js';
import {
  type Environment,
  type FileKeys,
  keysOfAwsFiles,
  keysOfEnvironment,
  type S3Keys,
} from '../../store/s3-keys.js';
import { S3Store } from '../../store/s3-store.js';
import { parseStoreUrl, type StoreLocation } from '../../store/store-url.js';
import type { NodeFiles } from '../cluster/node-files.js';
import { noKeys } from './holder-errors.js';

/** One entry of `node/holders.json`. */
export interface KnownHolder {
  readonly id: NodeId;
  /** As the person wrote it, with the access key's id, without its secret. */
  readonly url: string;
  readonly keys?: S3Keys | undefined;
}

/** A store that can be opened from here, or why it cannot. */
export type HolderAccess =
  | { readonly id: NodeId; readonly store: HolderStore }
  | { readonly id: NodeId; readonly error: DisktroError };

/** All that this machine has keys for at the moment. */
export class KeyRing {
  readonly #fromEnvironment: S3Keys | undefined;
  /** Or why they cannot be read: that is told to who needs them, and to nobody else. */
  readonly #fromFiles: FileKeys | DisktroError;

  private constructor(fromEnvironment: S3Keys | undefined, fromFiles: FileKeys | DisktroError) {
    this.#fromEnvironment = fromEnvironment;
    this.#fromFiles = fromFiles;
  }

  static async read(fileSystem: FileSystem, environment: Environment): Promise<KeyRing> {
    const fromFiles = await keysOfAwsFiles(fileSystem, environment).catch((error: unknown) => {
      if (!isDisktroError(error, 'E_CONFIG')) throw error;
      return error;
    });
    return new KeyRing(keysOfEnvironment(environment), fromFiles);
  }

  /**
   * @returns the keys for a bucket, and whether they are there only as long as this process' environment is
   * @throws E_CONFIG when they may be in the files of AWS tools, and those cannot be read
   */
  find(accessKeyId: string | undefined): { readonly keys: S3Keys; readonly isPassing: boolean } | undefined {
    const passing = this.#fromEnvironment;
    if (passing !== undefined && (accessKeyId ?? passing.accessKeyId) === passing.accessKeyId)
      return { keys: passing, isPassing: true };
    if (this.#fromFiles instanceof DisktroError) throw this.#fromFiles;
    const { chosen, all } = this.#fromFiles;
    const keys = accessKeyId === undefined ? chosen : all.find((each) => each.accessKeyId === accessKeyId);
    return keys === undefined ? undefined : { keys, isPassing: false };
  }
}

/** @throws E_CONFIG when there are no keys for a bucket */
export function openStore(
  location: StoreLocation,
  fileSystem: FileSystem,
  keys: S3Keys | undefined,
): HolderStore {
  if (location.kind === 'folder') return new FolderStore(fileSystem, location.path);
  if (keys === undefined) throw noKeys(location);
  return new S3Store(location, keys);
}

/** The stores that this machine knows. The caller closes them. @throws E_CORRUPT, E_IO */
export async function readHolderAccess(
  files: NodeFiles,
  fileSystem: FileSystem,
  environment: Environment = process.env,
): Promise<readonly HolderAccess[]> {
  const known = await files.holders();
  if (known.length === 0) return [];
  const ring = await KeyRing.read(fileSystem, environment);
  return known.map(({ id, url, keys }) => {
    try {
      const location = parseStoreUrl(url);
      const found = location.kind === 'bucket' ? (keys ?? ring.find(location.accessKeyId)?.keys) : undefined;
      return { id, store: openStore(location, fileSystem, found) };
    } catch (error) {
      if (!isDisktroError(error)) throw error;
      return { id, error };
    }
  });
}
