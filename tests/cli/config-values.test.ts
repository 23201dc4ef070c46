// What each key may be, at its bounds and past them. Source: src/cli/config-schema.ts.
import t from 'tap';
import { CONFIG_KEYS, type ConfigKey, DEFAULT_CONFIG } from '../../src/cli/config-keys.js';
import { checkedValue, checkedVariable } from '../../src/cli/config-schema.js';
import { parseBytes } from '../../src/cli/option-values.js';

const accepted: Readonly<Record<ConfigKey, readonly unknown[]>> = {
  home: ['x', '/srv/vault', 'x'.repeat(4096)],
  store: ['', 's3://host/bucket'],
  port: [0, 1, 65_535],
  host: ['0.0.0.0', '::', 'localhost'],
  chunk_size: [65_536, 131_072, 1_048_576, 16_777_216],
  compression: ['auto', 'lz4', 'none', 'zstd', 'zstd:1', 'zstd:19'],
  replica_count: [1, 100],
  min_replicas: [1, 100],
  heartbeat_interval: [1, 3600],
  repair_grace: [0, 31_536_000],
  delete_grace: [0, 315_360_000],
  lock_wait: [0, 31_536_000],
  workers: ['auto', 0, 256],
  peers: [[], ['a:1']],
  exclude: [[], ['*.o', '!keep.o']],
  node_name: ['', 'nas', 'x'.repeat(200)],
  zone: ['', 'attic', 'x'.repeat(100)],
  quota: [0, 1, Number.MAX_SAFE_INTEGER],
  reserve: [0, 268_435_456],
  limit_upload: [0, 1, 1_000_000],
  limit_download: [0, 1, 1_000_000],
  mdns: [true, false],
  log_level: ['ERROR', 'WARNING', 'INFO', 'DEBUG'],
};

const refused: Readonly<Record<ConfigKey, readonly unknown[]>> = {
  home: ['', 'x'.repeat(4097), 1, null, ['x']],
  store: ['x'.repeat(1025), 1, null, ['x']],
  port: [-1, 65_536, 1.5, '80', null, true, Number.NaN, Number.POSITIVE_INFINITY],
  host: ['', 1, null],
  chunk_size: [65_535, 65_537, 98_304, 32_768, 16_777_217, 33_554_432, '1048576', null],
  compression: ['', 'LZ4', 'gzip', 'zstd:0', 'zstd:20', 'zstd:', 'zstd:3.5', 3, true, null],
  replica_count: [0, 101, 2.5, '3', null],
  min_replicas: [0, 101, '1', null],
  heartbeat_interval: [0, 3601, '30', null],
  repair_grace: [-1, 31_536_001, '900', null],
  delete_grace: [-1, 315_360_001, '1', null],
  lock_wait: [-1, 31_536_001, '10m', null],
  workers: ['', 'AUTO', '4', -1, 257, 0.5, null],
  peers: ['a:1', [''], [1], null, {}],
  exclude: ['*.o', [''], [null], null],
  node_name: ['x'.repeat(201), 1, null, ['nas']],
  zone: ['x'.repeat(101), 1, null],
  quota: [-1, 1.5, '10', '', 'M', '10MB', '1.5G', '-1K', '10 M', '9007199254740993', '9T9', null, true],
  reserve: [-1, '10', '8192T0', '9999999999999T', null],
  limit_upload: [-1, 0.5, '10', '10M/s', null],
  limit_download: [-1, '0', '10Mbit', null],
  mdns: ['true', 'yes', 1, null],
  log_level: ['info', '', 3, null],
};

for (const key of CONFIG_KEYS) {
  t.test(`${key} is held to its bounds`, async (t) => {
    t.same(checkedValue(key, DEFAULT_CONFIG[key], 'here'), DEFAULT_CONFIG[key], 'its default is good');
    for (const value of accepted[key]) t.same(checkedValue(key, value, 'here'), value);
    for (const value of refused[key]) {
      const message = /^here: expected .+, got .+/;
      t.throws(() => checkedValue(key, value, 'here'), { code: 'E_CONFIG', message }, JSON.stringify(value));
    }
  });
}

t.test('a variable is read as the type of its key', async (t) => {
  t.equal(checkedVariable('port', '080', 'X'), 80);
  t.equal(checkedVariable('workers', '3', 'X'), 3);
  t.equal(checkedVariable('workers', 'auto', 'X'), 'auto');
  t.equal(checkedVariable('host', '1', 'X'), '1', 'digits are text where text is wanted');
  t.same(checkedVariable('peers', ' a , ,b ', 'X'), ['a', 'b']);
  for (const text of ['-1', '+1', '1e3', '0x10', ' 1', '1 ', '']) {
    t.throws(() => checkedVariable('port', text, 'DISKTRO_PORT'), { message: /^\$DISKTRO_PORT: / }, text);
  }
});

t.test('sizes may have a unit, in a file, in the environment and as an option', async (t) => {
  const cases: [text: string, bytes: number][] = [
    ['0K', 0],
    ['1k', 1024],
    ['64K', 65_536],
    ['10M', 10_485_760],
    ['2g', 2_147_483_648],
    ['8191T', 8191 * 1024 ** 4],
  ];
  for (const [text, bytes] of cases) {
    for (const key of ['quota', 'reserve', 'limit_upload', 'limit_download'] as const) {
      t.equal(checkedValue(key, text, 'here'), bytes, `${key}: ${text}`);
      t.equal(checkedVariable(key, text, 'X'), bytes, `$X=${text}`);
    }
    t.equal(parseBytes(text, '--limit-upload'), bytes, `--limit-upload ${text}`);
  }
  t.equal(checkedVariable('quota', '123', 'X'), 123);
  t.equal(parseBytes('123', '--limit-upload'), 123);
  for (const text of ['', '-1', '1.5M', '10MB', 'M', ' 1M', '8192T', '9'.repeat(16)]) {
    t.throws(
      () => parseBytes(text, '--limit-upload'),
      { code: 'E_USAGE', message: /^--limit-upload: / },
      text,
    );
    t.throws(() => checkedValue('limit_upload', text, 'here'), { code: 'E_CONFIG' }, text);
  }
  t.throws(() => checkedValue('port', '1K', 'here'), { code: 'E_CONFIG' }, 'a port has no unit');
});

t.test('a switch is true or false in the environment too', async (t) => {
  t.equal(checkedVariable('mdns', 'false', 'X'), false);
  t.equal(checkedVariable('mdns', 'true', 'X'), true);
  for (const text of ['0', '1', 'no', 'False'])
    t.throws(() => checkedVariable('mdns', text, 'X'), { code: 'E_CONFIG' }, text);
});

t.test('a long value is cut in the message', async (t) => {
  t.throws(() => checkedValue('port', 'x'.repeat(1000), 'here'), { message: /^.{1,120}$/ });
});
