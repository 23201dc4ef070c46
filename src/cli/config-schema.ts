/**
 * What is a valid value for each configuration key. The one importer of zod in the command:
 * it is loaded only when a file or the environment sets something.
 */
import * as z from 'zod';
import { COMPRESSION_CHOICES, isCompression } from '../core/codec.js';
import { DisktroError } from '../errors.js';
import { MAX_AVERAGE_CHUNK_BYTES, MIN_AVERAGE_CHUNK_BYTES } from '../limits.js';
import { byteSize } from './byte-size.js';
import { type Config, type ConfigKey, DEFAULT_CONFIG } from './config-keys.js';

interface Rule {
  readonly schema: z.ZodType;
  readonly expected: string;
}

const MOST_BYTES = Number.MAX_SAFE_INTEGER;
const YEAR_SECONDS = 31_536_000;

const whole = (min: number, max: number): Rule => ({
  schema: z.number().int().min(min).max(max),
  expected: `a whole number from ${min} to ${max}`,
});

const text = (expected: string): Rule => ({ schema: z.string().min(1).max(4096), expected });

const oneOf = (...choices: [string, ...string[]]): Rule => ({
  schema: z.enum(choices),
  expected: `one of ${choices.join(', ')}`,
});

const texts = (expected: string): Rule => ({ schema: z.array(z.string().min(1)).max(1024), expected });

/** A number, or a text with a unit; a number in quotes is a mistake here as everywhere. */
const bytes: Rule = {
  schema: z.union([
    z.number().int().min(0).max(MOST_BYTES),
    z
      .string()
      .regex(/[KMGT]$/i)
      .transform(byteSize)
      .pipe(z.number()),
  ]),
  expected: 'a number of bytes, such as 65536, 64K, 10M or 2G',
};

const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

const RULES: Readonly<Record<ConfigKey, Rule>> = {
  home: text('the path of a folder'),
  port: whole(0, 65_535),
  host: text('a host name or an IP address'),
  store: { schema: z.string().max(1024), expected: 'a URL such as s3://host/bucket/prefix' },
  chunk_size: {
    schema: z.number().min(MIN_AVERAGE_CHUNK_BYTES).max(MAX_AVERAGE_CHUNK_BYTES).refine(isPowerOfTwo),
    expected: `a power of two from ${MIN_AVERAGE_CHUNK_BYTES} to ${MAX_AVERAGE_CHUNK_BYTES}`,
  },
  compression: { schema: z.string().refine(isCompression), expected: COMPRESSION_CHOICES },
  replica_count: whole(1, 100),
  min_replicas: whole(1, 100),
  heartbeat_interval: whole(1, 3600),
  repair_grace: whole(0, YEAR_SECONDS),
  delete_grace: whole(0, 10 * YEAR_SECONDS),
  lock_wait: whole(0, YEAR_SECONDS),
  workers: {
    schema: z.union([z.literal('auto'), z.number().int().min(0).max(256)]),
    expected: 'auto or a whole number from 0 to 256',
  },
  peers: texts('a list of addresses'),
  exclude: texts('a list of patterns'),
  node_name: { schema: z.string().max(200), expected: 'a name of at most 200 characters' },
  zone: { schema: z.string().max(100), expected: 'a name of at most 100 characters' },
  quota: bytes,
  reserve: bytes,
  limit_upload: bytes,
  limit_download: bytes,
  mdns: { schema: z.boolean(), expected: 'true or false' },
  log_level: oneOf('ERROR', 'WARNING', 'INFO', 'DEBUG'),
};

/**
 * Returns `value` as the type of `key`, or throws `E_CONFIG` that says what was expected and found.
 * `place` names where the value stands, such as `/home/ana/.disktrorc:3: port` or `$DISKTRO_PORT`.
 */
export function checkedValue<K extends ConfigKey>(key: K, value: unknown, place: string): Config[K] {
  const rule = RULES[key];
  const checked = rule.schema.safeParse(value);
  if (checked.success) return checked.data as Config[K];
  throw new DisktroError('E_CONFIG', `${place}: expected ${rule.expected}, got ${shown(value)}`, {
    details: { key, place },
  });
}

/** The text of an environment variable as the type of `key`: digits are numbers, commas part a list. */
export function checkedVariable<K extends ConfigKey>(key: K, text: string, name: string): Config[K] {
  return checkedValue(key, parsedText(key, text), `$${name}`);
}

function parsedText(key: ConfigKey, text: string): unknown {
  if (Array.isArray(DEFAULT_CONFIG[key]))
    return text
      .split(/[,\n]/)
      .map((part) => part.trim())
      .filter(Boolean);
  if (typeof DEFAULT_CONFIG[key] === 'boolean')
    return text === 'true' ? true : text === 'false' ? false : text;
  const isNumeric = typeof DEFAULT_CONFIG[key] === 'number' || key === 'workers';
  return isNumeric && /^\d+$/.test(text) ? Number(text) : text;
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
