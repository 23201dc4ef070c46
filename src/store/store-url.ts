/**
 * Where a bucket or a folder lies, as a person writes it: `s3://KEY@host[:port]/bucket/prefix?region=…` or
 * `file:///folder` (README.md, "Buckets and folders"). Text only: knows no network, no disk and no secret.
 */
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type DisktroError, usageError } from '../errors.js';

export interface BucketLocation {
  readonly kind: 'bucket';
  /** `host` or `host:port`. */
  readonly host: string;
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly region: string;
  /** Whether the bucket is in the path or in the host's name. */
  readonly style: 'path' | 'host';
  readonly tls: boolean;
  /** Which access key to look for; never the secret. */
  readonly accessKeyId: string | undefined;
}

export interface FolderLocation {
  readonly kind: 'folder';
  /** Absolute. */
  readonly path: string;
}

export type StoreLocation = BucketLocation | FolderLocation;

const DEFAULT_REGION = 'us-east-1';
/** What engines take. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
/** What needs no escape in a URL: each engine and each signer escapes the rest in another way. */
const PREFIX_PART = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,200}$/;
const REGION = /^[A-Za-z0-9-]{1,60}$/;
const ACCESS_KEY = /^[\w.~+=-]{1,128}$/;
const MAX_URL_LENGTH = 1024;
const OPTIONS: readonly string[] = ['region', 'style', 'tls'];

/** Whether a person means a bucket or a folder, and not the address of a node. */
export function isStoreUrl(text: string): boolean {
  return /^(s3|file):/i.test(text);
}

/** @throws E_USAGE, which never repeats what may be a secret */
export function parseStoreUrl(text: string): StoreLocation {
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text)) throw badUrl('this is no URL');
  const url = new URL(text);
  // Without this a folder `usb#1` would be the folder `usb`.
  if (text.includes('#')) throw badUrl('a "#" is written %23');
  if (url.protocol === 'file:') return parseFolder(url);
  if (url.protocol === 's3:') return parseBucket(url);
  throw badUrl(`${JSON.stringify(url.protocol)} is neither s3: nor file:`);
}

/** The one spelling of a location: what members tell each other. Without the access key. */
export function formatStoreUrl(location: StoreLocation): string {
  if (location.kind === 'folder') return pathToFileURL(location.path).href;
  const { host, bucket, prefix, region, style, tls } = location;
  const options = [
    ...(region === regionOfHost(host) ? [] : [`region=${region}`]),
    ...(style === 'path' ? [] : ['style=host']),
    ...(tls ? [] : ['tls=0']),
  ];
  const place = prefix === '' ? bucket : `${bucket}/${prefix}`;
  return `s3://${host}/${place}${options.length === 0 ? '' : `?${options.join('&')}`}`;
}

function parseFolder(url: URL): FolderLocation {
  if (url.host !== '' && url.host !== 'localhost') {
    throw badUrl('a folder is on this machine: file:///folder has three slashes');
  }
  if (url.search !== '') throw badUrl('a folder has no options');
  let folder: string;
  try {
    folder = path.resolve(fileURLToPath(new URL(`file://${url.pathname}`)));
  } catch {
    throw badUrl('the path of the folder cannot be read');
  }
  if (path.dirname(folder) === folder) throw badUrl('the root of a file system is no folder to store in');
  return { kind: 'folder', path: folder };
}

function parseBucket(url: URL): BucketLocation {
  if (url.password !== '') {
    throw badUrl(
      'a secret key does not belong in a URL, where other programs see it',
      'give it as AWS_SECRET_ACCESS_KEY, or in ~/.aws/credentials',
    );
  }
  const accessKeyId = accessKeyOf(url);
  if (url.host === '') throw badUrl('the host is missing');
  if (!URL.canParse(`https://${url.host}`)) throw badUrl('the host cannot be one');
  const [, bucket = '', ...parts] = url.pathname.replace(/\/+$/, '').split('/');
  if (!BUCKET.test(bucket)) throw badUrl('expected the name of a bucket behind the host');
  if (!parts.every((part) => PREFIX_PART.test(part))) {
    throw badUrl('a prefix consists of letters, digits, ".", "_", "~" and "-"');
  }
  const unknown = [...url.searchParams.keys()].find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw badUrl(`there is no option ${JSON.stringify(unknown.slice(0, 50))}`);
  const region = url.searchParams.get('region') ?? regionOfHost(url.host);
  if (!REGION.test(region)) throw badUrl('the region cannot be one');
  return {
    kind: 'bucket',
    host: url.host,
    bucket,
    prefix: parts.join('/'),
    region,
    style: choice(url, 'style', ['path', 'host']) as 'path' | 'host',
    tls: choice(url, 'tls', ['1', '0']) === '1',
    accessKeyId,
  };
}

function accessKeyOf({ username }: URL): string | undefined {
  if (username === '') return undefined;
  try {
    const accessKeyId = decodeURIComponent(username);
    if (ACCESS_KEY.test(accessKeyId)) return accessKeyId;
  } catch {
    // A "%" with no digits behind it.
  }
  throw badUrl('the access key cannot be one');
}

/** The first choice is the default. */
function choice(url: URL, name: string, choices: readonly [string, string]): string {
  const value = url.searchParams.get(name) ?? choices[0];
  if (!choices.includes(value)) throw badUrl(`${name}: expected ${choices.join(' or ')}`);
  return value;
}

/** Large providers have the region in the name of the host. */
function regionOfHost(host: string): string {
  if (/\.r2\.cloudflarestorage\.com$/.test(host)) return 'auto';
  const found = /(?:^|\.)s3[.-](?:dualstack\.)?([a-z]{2}-[a-z-]+-\d+)\./.exec(host)?.[1];
  return found ?? DEFAULT_REGION;
}

function badUrl(why: string, hint?: string): DisktroError {
  return usageError(
    `store URL: ${why}`,
    hint ?? 'write s3://KEY@host/bucket/prefix?region=REGION or file:///folder',
  );
}
