/**
 * The access keys of buckets: from a file that node/ keeps, the environment, or the files that AWS tools use. Reads and
 * chooses them; they go into signatures and nowhere else, least of all into a message.
 */
import path from 'node:path';
import { DisktroError, reasonOf } from '../errors.js';
import type { FileSystem } from './file-system.js';
import { readSmallFile } from './file-system.js';

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const MAX_KEYS_FILE_BYTES = 256 * 1024;

/** AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN where there is one. */
export function keysOfEnvironment(environment: Environment): S3Keys | undefined {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  return keysOf(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN);
}

/** What the files of AWS tools hold. */
export interface FileKeys {
  /**
   * Of the profile that AWS_PROFILE names, of no other one: that may be another account. Where it names none, of
   * `default`, or else the first there are.
   */
  readonly chosen: S3Keys | undefined;
  readonly all: readonly S3Keys[];
}

/**
 * The keys of `~/.aws/credentials`; AWS_SHARED_CREDENTIALS_FILE names another file.
 * @throws E_CONFIG when the file is there and cannot be read
 */
export async function keysOfAwsFiles(fileSystem: FileSystem, environment: Environment): Promise<FileKeys> {
  const home = environment.HOME ?? environment.USERPROFILE;
  const file =
    environment.AWS_SHARED_CREDENTIALS_FILE ??
    (home === undefined ? undefined : path.join(home, '.aws', 'credentials'));
  if (file === undefined) return { chosen: undefined, all: [] };
  let bytes: Buffer | undefined;
  try {
    bytes = await readSmallFile(fileSystem, file, MAX_KEYS_FILE_BYTES);
  } catch (error) {
    throw new DisktroError('E_CONFIG', `${file}: ${reasonOf(error)}`, { cause: error });
  }
  const keys = new Map<string, S3Keys>();
  for (const [name, fields] of readProfiles(bytes?.toString('utf8') ?? '')) {
    const [id, secret] = [fields.get('aws_access_key_id'), fields.get('aws_secret_access_key')];
    if (id && secret) keys.set(name, keysOf(id, secret, fields.get('aws_session_token')));
  }
  const all = [...keys.values()];
  const { AWS_PROFILE } = environment;
  return { chosen: AWS_PROFILE ? keys.get(AWS_PROFILE) : (keys.get('default') ?? all[0]), all };
}

function keysOf(accessKeyId: string, secretAccessKey: string, sessionToken?: string): S3Keys {
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

/** The INI that AWS tools write: sections in brackets, `name = value` lines, comments of `#` and `;`. */
function readProfiles(text: string): Map<string, Map<string, string>> {
  const profiles = new Map<string, Map<string, string>>();
  let fields: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line)?.[1];
    if (section !== undefined) {
      fields = profiles.get(section) ?? new Map();
      profiles.set(section, fields);
      continue;
    }
    const [, name, value] = /^\s*([A-Za-z_]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields?.set(name.toLowerCase(), value);
  }
  return profiles;
}
