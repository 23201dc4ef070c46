/**
 * Finds and reads a `.disktrorc`: YAML, so JSON too. The one importer of yaml, loaded when there is a file.
 * Knows the names of keys; what a value may be is config-schema.ts.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Document, LineCounter } from 'yaml';
import { DisktroError, reasonOf } from '../errors.js';
import { CONFIG_KEYS, type ConfigKey, isConfigKey } from './config-keys.js';
import { nearestName } from './nearest.js';

const CONFIG_FILE_NAME = '.disktrorc';

const MAX_CONFIG_FILE_BYTES = 64 * 1024;

export interface FileEntry {
  readonly value: unknown;
  /** `path:line`, for messages and `disktro config`. */
  readonly where: string;
}

export interface ConfigFile {
  readonly path: string;
  readonly entries: ReadonlyMap<ConfigKey, FileEntry>;
}

export interface ConfigFileSearch {
  /** `--config FILE`: must exist, and no other file is looked at. */
  readonly explicit?: string | undefined;
  readonly cwd: string;
  readonly userHome: string;
}

/** The configuration file that applies, or undefined when there is none. Throws `E_CONFIG`. */
export async function readConfigFile(search: ConfigFileSearch): Promise<ConfigFile | undefined> {
  for (const path of candidates(search)) {
    const text = readText(path, search.explicit !== undefined);
    if (text !== undefined) return { path, entries: await parseEntries(path, text) };
  }
  return undefined;
}

function* candidates({ explicit, cwd, userHome }: ConfigFileSearch): Generator<string> {
  if (explicit !== undefined) {
    yield resolve(cwd, explicit);
    return;
  }
  for (let folder = cwd; ; folder = dirname(folder)) {
    yield join(folder, CONFIG_FILE_NAME);
    if (dirname(folder) === folder) break;
  }
  yield join(userHome, CONFIG_FILE_NAME);
}

/** The text of a file; undefined when it does not exist and need not. */
function readText(path: string, isRequired: boolean): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!isRequired && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    throw configError(`cannot read the configuration file ${path}: ${reasonOf(error)}`, error);
  }
  try {
    if (fstatSync(descriptor).isDirectory()) throw configError(`${path}: expected a file, found a folder`);
    return decoded(path, descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function decoded(path: string, descriptor: number): string {
  const bytes = Buffer.alloc(MAX_CONFIG_FILE_BYTES + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(descriptor, bytes, length, bytes.length - length, null);
  }
  if (length > MAX_CONFIG_FILE_BYTES) {
    throw configError(`${path}: expected at most ${MAX_CONFIG_FILE_BYTES} bytes, found more`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    throw configError(`${path}: expected UTF-8 text`, error);
  }
}

async function parseEntries(path: string, text: string): Promise<ReadonlyMap<ConfigKey, FileEntry>> {
  const { isMap, isScalar, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error', schema: 'core' });
  throwOnSyntaxError(path, document, lines);
  const entries = new Map<ConfigKey, FileEntry>();
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return entries;
  if (!isMap(document.contents))
    throw configError(`${path}: expected keys and values, such as \`port: 8080\``);
  const values = plainValues(path, document);
  for (const { key } of document.contents.items) {
    if (!isScalar(key)) throw configError(`${path}: expected plain keys`);
    const where = `${path}:${lines.linePos(key.range?.[0] ?? 0).line}`;
    const name = knownKey(String(key.value), where);
    entries.set(name, { value: values[name], where });
  }
  return entries;
}

function throwOnSyntaxError(path: string, document: Document, lines: LineCounter): void {
  const [error] = document.errors;
  if (error === undefined) return;
  const [first = 'not valid YAML'] = error.message.split(/ at line \d|\n/);
  const what = first.includes('call stack') ? 'nested too deeply' : first;
  throw configError(
    `${path}:${lines.linePos(error.pos[0]).line}: ${what.charAt(0).toLowerCase()}${what.slice(1)}`,
    error,
  );
}

/** Aliases are refused: nothing here needs one, and they are how a small file becomes a huge one. */
function plainValues(path: string, document: Document): Record<string, unknown> {
  try {
    return document.toJS({ maxAliasCount: 0 }) as Record<string, unknown>;
  } catch (error) {
    throw configError(`${path}: YAML aliases are not allowed`, error);
  }
}

function knownKey(name: string, where: string): ConfigKey {
  if (isConfigKey(name)) return name;
  const nearest = nearestName(name, CONFIG_KEYS);
  throw new DisktroError('E_CONFIG', `${where}: unknown key ${JSON.stringify(name)}`, {
    hint: nearest === undefined ? `the keys are ${CONFIG_KEYS.join(', ')}` : `did you mean ${nearest}?`,
    details: { key: name, place: where, ...(nearest === undefined ? {} : { nearest }) },
  });
}

const configError = (message: string, cause?: unknown): DisktroError =>
  new DisktroError('E_CONFIG', message, { cause });
