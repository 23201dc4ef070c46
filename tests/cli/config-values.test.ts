// What each key may be, at its bounds and past them. Source: src/cli/config-schema.ts.
import t from 'tap';
import { CONFIG_KEYS, type ConfigKey, DEFAULT_CONFIG } from '../../src/cli/config-keys.js';
import { checkedValue, checkedVariable } from '../../src/cli/config-schema.js';

const accepted: Readonly<Record<ConfigKey, readonly unknown[]>> = {
  home: ['x', '/srv/vault', 'x'.repeat(4096)],
  port: [0, 1, 65_535],
  host: ['0.0.0.0', '::', 'localhost'],
  chunk_size: [65_536, 131_072, 1_048_576, 16_777_216],
  compression: ['auto', 'lz4', 'none'],
  replica_count: [1, 100],
  min_replicas: [1, 100],
  heartbeat_interval: [1, 3600],
  repair_grace: [0, 31_536_000],
  delete_grace: [0, 315_360_000],
  workers: ['auto', 0, 256],
  peers: [[], ['a:1']],
  exclude: [[], ['*.o', '!keep.o']],
  node_name: ['', 'x'.repeat(200)],
  zone: ['', 'x'.repeat(100)],
  quota: [0, Number.MAX_SAFE_INTEGER],
  reserve: [0, Number.MAX_SAFE_INTEGER],
  limit_upload: [0, Number.MAX_SAFE_INTEGER],
  limit_download: [0, Number.MAX_SAFE_INTEGER],
  mdns: [true, false],
  log_level: ['ERROR', 'WARNING', 'INFO', 'DEBUG'],
};

const refused: Readonly<Record<ConfigKey, readonly unknown[]>> = {
  home: ['', 'x'.repeat(4097), 1, null, ['x']],
  port: [-1, 65_536, 1.5, '80', null, true, Number.NaN, Number.POSITIVE_INFINITY],
  host: ['', 1, null],
  chunk_size: [65_535, 65_537, 98_304, 32_768, 16_777_217, 33_554_432, '1048576', null],
  compression: ['', 'LZ4', 'zstd', true, null],
  replica_count: [0, 101, 2.5, '3', null],
  min_replicas: [0, 101, '1', null],
  heartbeat_interval: [0, 3601, '30', null],
  repair_grace: [-1, 31_536_001, '900', null],
  delete_grace: [-1, 315_360_001, '1', null],
  workers: ['', 'AUTO', '4', -1, 257, 0.5, null],
  peers: ['a:1', [''], [1], null, {}],
  exclude: ['*.o', [''], [null], null],
  node_name: ['x'.repeat(201), 1, null],
  zone: ['x'.repeat(101), 1, null],
  quota: [-1, 1.5, '1', null],
  reserve: [-1, 1.5, '1', null],
  limit_upload: [-1, 1.5, '1', null],
  limit_download: [-1, 1.5, '1', null],
  mdns: ['true', 1, null],
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

t.test('a long value is cut in the message', async (t) => {
  t.throws(() => checkedValue('port', 'x'.repeat(1000), 'here'), { message: /^.{1,120}$/ });
});
