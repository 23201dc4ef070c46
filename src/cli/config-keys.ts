/**
 * The configuration: its keys, their types and defaults. Data only; where values come from is config.ts,
 * what is a valid value is config-schema.ts.
 */
import type { Compression } from '../core/codec.js';
import { DEFAULT_AVERAGE_CHUNK_BYTES } from '../limits.js';
import type { LogLevel } from '../server/log.js';

/** Keys are written as in `.disktrorc`. Sizes are bytes, times seconds. */
export interface Config {
  /** Absolute path, or starting with `~` in the defaults only. */
  readonly home: string;
  readonly port: number;
  readonly host: string;
  /** The bucket that holds the objects of a vault that is made; empty: its home. */
  readonly store: string;
  readonly chunk_size: number;
  readonly compression: Compression;
  readonly replica_count: number;
  readonly min_replicas: number;
  readonly heartbeat_interval: number;
  readonly repair_grace: number;
  readonly delete_grace: number;
  /** How long to wait while another process holds the home. */
  readonly lock_wait: number;
  /** 0 does the work on the calling thread. */
  readonly workers: number | 'auto';
  readonly peers: readonly string[];
  readonly exclude: readonly string[];
  /** What other nodes call this one; empty: the host name. */
  readonly node_name: string;
  /** Copies go to distinct zones first. */
  readonly zone: string;
  /** Most bytes held for others; 0 = no limit. */
  readonly quota: number;
  /** Bytes of the disk that others cannot fill. */
  readonly reserve: number;
  /** Bytes per second to and from peers and buckets; 0 = no limit. */
  readonly limit_upload: number;
  readonly limit_download: number;
  /** Whether peers on the local network are looked for. */
  readonly mdns: boolean;
  readonly log_level: LogLevel;
}

export type ConfigKey = keyof Config;

export const DEFAULT_CONFIG: Config = {
  home: '~/.disktro',
  port: 8080,
  host: '0.0.0.0',
  store: '',
  chunk_size: DEFAULT_AVERAGE_CHUNK_BYTES,
  compression: 'auto',
  replica_count: 3,
  min_replicas: 1,
  heartbeat_interval: 30,
  repair_grace: 900,
  delete_grace: 86_400,
  lock_wait: 0,
  workers: 'auto',
  peers: [],
  exclude: [],
  node_name: '',
  zone: '',
  quota: 0,
  reserve: 268_435_456,
  limit_upload: 0,
  limit_download: 0,
  mdns: true,
  log_level: 'INFO',
};

export const CONFIG_KEYS = Object.keys(DEFAULT_CONFIG) as readonly ConfigKey[];

export function isConfigKey(text: string): text is ConfigKey {
  return Object.hasOwn(DEFAULT_CONFIG, text);
}

/** The environment variables of a key, first one first. */
export function variablesOf(key: ConfigKey): readonly string[] {
  const own = `DISKTRO_${key.toUpperCase()}`;
  return key === 'port' ? [own, 'PORT'] : [own];
}
