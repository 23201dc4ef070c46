/**
 * The configuration of a run: flag > environment > file > default, each value with the place it came from.
 * Loads the YAML and schema code only when a file or the environment sets something to check.
 */
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type ConfigFile, type ConfigFileSearch, type FileEntry, readConfigFile } from './config-file.js';
import { CONFIG_KEYS, type Config, type ConfigKey, DEFAULT_CONFIG, variablesOf } from './config-keys.js';

/** Where each value came from: `flag --home`, `environment DISKTRO_PORT`, `file PATH:LINE` or `default`. */
export type ConfigSources = Readonly<Record<ConfigKey, string>>;

export interface ResolvedConfig {
  readonly values: Config;
  readonly sources: ConfigSources;
  /** The file that was read, if there was one. */
  readonly file: string | undefined;
}

export interface ConfigInputs {
  /** Already checked by whoever parsed the flag. A relative `home` counts from `cwd`. */
  readonly flags?: Partial<Config>;
  readonly configFile?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly userHome?: string;
}

/** Throws `E_CONFIG` for an unknown key, a wrong type or a value out of range, wherever it stands. */
export async function resolveConfig(inputs: ConfigInputs = {}): Promise<ResolvedConfig> {
  const { flags = {}, env = process.env, userHome = homedir() } = inputs;
  const cwd = inputs.cwd ?? process.cwd();
  const search: ConfigFileSearch = { explicit: inputs.configFile, cwd, userHome };
  const file = await readConfigFile(search);
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const key of CONFIG_KEYS) {
    const found = await foundValue(key, flags, env, file);
    const base = found.folder ?? cwd;
    values[key] = key === 'home' ? absolutePath(String(found.value), base, userHome) : found.value;
    sources[key] = found.source;
  }
  return { values: values as unknown as Config, sources: sources as ConfigSources, file: file?.path };
}

interface FoundValue {
  readonly value: unknown;
  readonly source: string;
  /** The folder a relative path counts from, when that is not the working folder. */
  readonly folder?: string;
}

async function foundValue(
  key: ConfigKey,
  flags: Partial<Config>,
  env: NodeJS.ProcessEnv,
  file: ConfigFile | undefined,
): Promise<FoundValue> {
  const entry = file?.entries.get(key);
  const fromFile = entry === undefined || file === undefined ? undefined : await fileValue(key, entry, file);
  if (flags[key] !== undefined) return { value: flags[key], source: `flag --${key.replaceAll('_', '-')}` };
  for (const name of variablesOf(key)) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    return { value: await variableValue(key, text, name), source: `environment ${name}` };
  }
  return fromFile ?? { value: DEFAULT_CONFIG[key], source: 'default' };
}

/** A value in a file is checked even when a flag or the environment overrides it: a mistake is told at once. */
async function fileValue(key: ConfigKey, entry: FileEntry, file: ConfigFile): Promise<FoundValue> {
  const { checkedValue } = await import('./config-schema.js');
  const value = checkedValue(key, entry.value, `${entry.where}: ${key}`);
  return { value, source: `file ${entry.where}`, folder: dirname(file.path) };
}

async function variableValue(key: ConfigKey, text: string, name: string): Promise<unknown> {
  if (key === 'home') return text; // any text that is not empty: nothing to load a schema for
  const { checkedVariable } = await import('./config-schema.js');
  return checkedVariable(key, text, name);
}

/** `~` is the user's home; a relative path counts from `base`. */
function absolutePath(path: string, base: string, userHome: string): string {
  if (path === '~') return userHome;
  if (path.startsWith('~/')) return join(userHome, path.slice(2));
  return resolve(base, path);
}
