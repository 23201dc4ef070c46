// Where configuration comes from, and in which order. Sources: src/cli/config.ts, config-file.ts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { type ConfigInputs, resolveConfig } from '../../src/cli/config.js';
import { CONFIG_KEYS, DEFAULT_CONFIG } from '../../src/cli/config-keys.js';

/** A user's home, and beside it a working folder three levels deep. */
function createFolders(test: Test) {
  const root = test.testdir();
  const [userHome, cwd] = [join(root, 'user'), join(root, 'work/deep/deeper')];
  for (const folder of [userHome, cwd]) mkdirSync(folder, { recursive: true });
  const inputs: ConfigInputs = { env: {}, cwd, userHome };
  const write = (path: string, content: string | Uint8Array): string => {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
    return place;
  };
  return { root, userHome, cwd, inputs, write };
}

t.test('without file, environment or flag everything is a default', async (t) => {
  const { inputs, userHome } = createFolders(t);
  const { values, sources, file } = await resolveConfig(inputs);
  t.same(values, { ...DEFAULT_CONFIG, home: join(userHome, '.disktro') });
  t.same(Object.values(sources), Array(CONFIG_KEYS.length).fill('default'));
  t.equal(file, undefined);
});

t.test('a flag beats the environment, that the file, that the default; each names its source', async (t) => {
  const { inputs, write, cwd } = createFolders(t);
  const path = write('work/.disktrorc', '# mine\nhome: in-file\nport: 1001\nhost: file.example\n');
  const env = { DISKTRO_HOME: 'in-env', DISKTRO_PORT: '1002' };
  const { values, sources } = await resolveConfig({ ...inputs, env, flags: { home: 'in-flag' } });
  t.match(values, { home: join(cwd, 'in-flag'), port: 1002, host: 'file.example', replica_count: 3 });
  t.match(sources, {
    home: 'flag --home',
    port: 'environment DISKTRO_PORT',
    host: `file ${path}:4`,
    replica_count: 'default',
  });
});

t.test('the nearest file upward is read, and no other', async (t) => {
  const { inputs, write } = createFolders(t);
  write('user/.disktrorc', 'port: 1');
  t.equal(
    (await resolveConfig(inputs)).values.port,
    1,
    'the one in the home of the user when there is no other',
  );
  write('work/.disktrorc', 'port: 2');
  t.equal((await resolveConfig(inputs)).values.port, 2);
  const nearest = write('work/deep/deeper/.disktrorc', 'host: near');
  const { values, file } = await resolveConfig(inputs);
  t.match(values, { host: 'near', port: 8080 }, 'files are not merged');
  t.equal(file, nearest);
  write('other.yaml', 'port: 3');
  t.equal((await resolveConfig({ ...inputs, configFile: '../../../other.yaml' })).values.port, 3, '--config');
});

t.test('home in a file counts from the folder of that file, elsewhere from the working folder', async (t) => {
  const { inputs, write, root, cwd, userHome } = createFolders(t);
  const homeOf = async (text: string): Promise<string> => {
    write('work/.disktrorc', `home: ${text}`);
    return (await resolveConfig(inputs)).values.home;
  };
  t.equal(await homeOf('vault'), join(root, 'work/vault'));
  t.equal(await homeOf('../vault'), join(root, 'vault'));
  t.equal(await homeOf('/srv/vault'), '/srv/vault');
  t.equal(await homeOf('"~"'), userHome);
  t.equal(await homeOf('~/vault'), join(userHome, 'vault'));
  t.equal(await homeOf('~other/vault'), join(root, 'work/~other/vault'), 'only the own home is known');
  const byEnv = await resolveConfig({ ...inputs, env: { DISKTRO_HOME: 'vault' } });
  t.equal(byEnv.values.home, join(cwd, 'vault'));
  const byFlag = await resolveConfig({ ...inputs, flags: { home: '~/vault' } });
  t.equal(byFlag.values.home, join(userHome, 'vault'));
});

t.test('every key can be set in the environment', async (t) => {
  const { inputs } = createFolders(t);
  const env = {
    DISKTRO_HOME: '/srv/vault',
    DISKTRO_PORT: '0',
    DISKTRO_HOST: '::1',
    DISKTRO_CHUNK_SIZE: '65536',
    DISKTRO_COMPRESSION: 'none',
    DISKTRO_STORE: 's3://host/bucket',
    DISKTRO_REPLICA_COUNT: '2',
    DISKTRO_MIN_REPLICAS: '2',
    DISKTRO_HEARTBEAT_INTERVAL: '1',
    DISKTRO_REPAIR_GRACE: '0',
    DISKTRO_DELETE_GRACE: '0',
    DISKTRO_WORKERS: '0',
    DISKTRO_PEERS: 'a.example:1, b.example:2',
    DISKTRO_EXCLUDE: '*.o\nnode_modules/',
    DISKTRO_NODE_NAME: 'nas',
    DISKTRO_ZONE: 'attic',
    DISKTRO_QUOTA: '10G',
    DISKTRO_RESERVE: '0',
    DISKTRO_LIMIT_UPLOAD: '1M',
    DISKTRO_LIMIT_DOWNLOAD: '2000',
    DISKTRO_MDNS: 'false',
    DISKTRO_LOCK_WAIT: '90',
    DISKTRO_LOG_LEVEL: 'DEBUG',
  };
  const { values, sources } = await resolveConfig({ ...inputs, env });
  t.same(values, {
    home: '/srv/vault',
    port: 0,
    host: '::1',
    store: 's3://host/bucket',
    chunk_size: 65_536,
    compression: 'none',
    replica_count: 2,
    min_replicas: 2,
    heartbeat_interval: 1,
    repair_grace: 0,
    delete_grace: 0,
    workers: 0,
    peers: ['a.example:1', 'b.example:2'],
    exclude: ['*.o', 'node_modules/'],
    node_name: 'nas',
    zone: 'attic',
    quota: 10 * 1024 ** 3,
    reserve: 0,
    limit_upload: 1024 ** 2,
    limit_download: 2000,
    mdns: false,
    lock_wait: 90,
    log_level: 'DEBUG',
  });
  t.ok(Object.values(sources).every((source) => source.startsWith('environment DISKTRO_')));
});

t.test('PORT counts when DISKTRO_PORT is not set, and an empty variable is not set', async (t) => {
  const { inputs } = createFolders(t);
  const portOf = async (env: NodeJS.ProcessEnv) => (await resolveConfig({ ...inputs, env })).values.port;
  t.equal(await portOf({ PORT: '1' }), 1);
  t.equal(await portOf({ PORT: '1', DISKTRO_PORT: '2' }), 2);
  t.equal(await portOf({ PORT: '1', DISKTRO_PORT: '' }), 1);
  t.equal(await portOf({ PORT: '', DISKTRO_PORT: '' }), 8080);
  await t.rejects(portOf({ PORT: 'x' }), {
    code: 'E_CONFIG',
    message: '$PORT: expected a whole number from 0 to 65535, got "x"',
  });
});

t.test('an unknown key is refused, with its line and the nearest known one', async (t) => {
  const { inputs, write } = createFolders(t);
  const cases: [typed: string, hint: RegExp][] = [
    ['prot', /did you mean port\?/],
    ['chunksize', /did you mean chunk_size\?/],
    ['Replica_Count', /did you mean replica_count\?/],
    ['__proto__', /the keys are home, port, /],
    ['constructor', /the keys are home, port, /],
    ['completely_different', /the keys are home, port, /],
  ];
  for (const [typed, hint] of cases) {
    const path = write('work/.disktrorc', `port: 1\n${typed}: 1\n`);
    const message = `${path}:2: unknown key "${typed}"`;
    await t.rejects(resolveConfig(inputs), { code: 'E_CONFIG', message, hint }, typed);
  }
});

t.test('a file with nothing in it sets nothing', async (t) => {
  const { inputs, write, userHome } = createFolders(t);
  for (const text of ['', '\n', '# only a remark\n', '---\n', '{}', 'null', '\ufeff']) {
    write('work/.disktrorc', text);
    t.equal((await resolveConfig(inputs)).values.home, join(userHome, '.disktro'), JSON.stringify(text));
  }
});

t.test('a file that is not keys and values is refused', async (t) => {
  const { inputs, write } = createFolders(t);
  const cases: [content: string | Uint8Array, message: RegExp][] = [
    ['- port', /expected keys and values/],
    ['port', /expected keys and values/],
    ['port: [1', /:1: flow sequence/],
    ['port: 1\nport: 2', /:2: map keys must be unique/],
    ['port: 1\n---\nport: 2', /multiple documents/],
    ['? [port]\n: 1', /expected plain keys/],
    ['peers: &a [x]\nexclude: *a', /aliases are not allowed/],
    [`peers: ${'['.repeat(30_000)}`, /nested too deeply/],
    [Uint8Array.of(0x68, 0xff), /expected UTF-8/],
    [`#${' '.repeat(65_536)}`, /expected at most 65536 bytes/],
  ];
  for (const [content, message] of cases) {
    write('work/.disktrorc', content);
    await t.rejects(resolveConfig(inputs), { code: 'E_CONFIG', message }, String(message));
  }
  write('work/.disktrorc', `port: 1\n#${' '.repeat(65_527)}`);
  t.equal((await resolveConfig(inputs)).values.port, 1, '65536 bytes are read');
});

t.test('a file that cannot be read is refused, one that is asked for must exist', async (t) => {
  const { inputs, root } = createFolders(t);
  await t.rejects(resolveConfig({ ...inputs, configFile: 'none.yaml' }), {
    code: 'E_CONFIG',
    message: /none\.yaml: no such file or folder/,
  });
  mkdirSync(join(root, 'work/.disktrorc'));
  await t.rejects(resolveConfig(inputs), { code: 'E_CONFIG', message: /expected a file, found a folder/ });
});

t.test('the example names every key, each with its default', async (t) => {
  const { inputs, userHome } = createFolders(t);
  const example = fileURLToPath(new URL('../../../.disktrorc.example', import.meta.url));
  const { values, sources } = await resolveConfig({ ...inputs, configFile: example });
  t.same(values, { ...DEFAULT_CONFIG, home: join(userHome, '.disktro') });
  t.ok(Object.values(sources).every((source) => source.startsWith('file ')));
});
