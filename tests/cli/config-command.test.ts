// Configuration as the real command meets it: flag > environment > nearest file > default. What each value may be is
// config-values.test.ts. Sources: src/cli/commands/config.ts, config.ts.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DEFAULT_CONFIG } from '../../src/cli/config-keys.js';
import { jsonLines, ROOT } from './command.js';
import { expectError, expectJsonError } from './errors.js';
import { emptyPlace, type Place } from './place.js';

interface Value {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}

async function config(
  place: Place,
  cwd: string,
  env: Record<string, string | undefined>,
  ...words: string[]
) {
  const { status, stdout, stderr } = await place.runWith(
    { cwd, env: { DISKTRO_HOME: undefined, ...env } },
    ...words,
    '--json',
    'config',
  );
  if (status !== 0) throw new Error(stderr);
  const values = jsonLines(stdout) as unknown as Value[];
  return (key: string): readonly unknown[] => {
    const found = values.find((each) => each.key === key);
    return [found?.value, found?.source];
  };
}

t.test('a flag beats the environment, that the nearest file, that the default', async (t) => {
  const place = emptyPlace(t);
  const deep = join(place.cwd, 'a/b');
  mkdirSync(deep, { recursive: true });
  const userHome = String(place.env.HOME);
  const values = await config(place, deep, {});
  t.same(values('home'), [join(userHome, '.disktro'), 'default']);
  t.same(values('workers'), ['auto', 'default']);

  writeFileSync(join(userHome, '.disktrorc'), 'port: 1\n');
  t.same(
    (await config(place, deep, {}))('port'),
    [1, `file ${join(userHome, '.disktrorc')}:1`],
    "the user's own file",
  );
  place.write('.disktrorc', 'port: 2\nhome: vault\n');
  writeFileSync(join(place.cwd, 'a/.disktrorc'), '{"port": 3, "home": "near", "replica_count": 5}');
  const near = await config(place, deep, {});
  t.same(near('port'), [3, `file ${join(place.cwd, 'a/.disktrorc')}:1`], 'the nearest file, in JSON');
  t.same(near('home')[0], join(place.cwd, 'a/near'), 'whose paths count from its own folder');
  const env = { DISKTRO_HOME: 'from-env', DISKTRO_REPLICA_COUNT: '7', PORT: '4' };
  const over = await config(place, deep, env);
  t.same(over('home'), [join(deep, 'from-env'), 'environment DISKTRO_HOME']);
  t.same(over('replica_count'), [7, 'environment DISKTRO_REPLICA_COUNT']);
  t.same(over('port'), [4, 'environment PORT']);
  t.same((await config(place, deep, { ...env, DISKTRO_PORT: '5' }))('port'), [5, 'environment DISKTRO_PORT']);
  t.same((await config(place, deep, env, '--home', 'from-flag'))('home'), [
    join(deep, 'from-flag'),
    'flag --home',
  ]);
  place.write('other.yaml', 'port: 6');
  const other = await config(place, deep, {}, '--config', '../../other.yaml');
  t.same(other('port'), [6, `file ${place.path('other.yaml')}:1`]);
  t.same(other('replica_count'), [3, 'default'], 'and no other file');
  const text = await place.run('config');
  t.match(text.stdout, /^home +\S+ +environment DISKTRO_HOME\nport +2 +file .+:1\n/);
});

t.test('a mistake in the file is exit 2, whatever the command, and says where', async (t) => {
  const place = emptyPlace(t);
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, n) => {
    const name = String.fromCharCode(98 + n);
    return `${name}: &${name} [${Array(9)
      .fill(`*${String.fromCharCode(97 + n)}`)
      .join(', ')}]`;
  }).join('\n')}\n`;
  const cases: [claim: string, content: string | Uint8Array, message: RegExp, hint?: RegExp][] = [
    [
      'an unknown key',
      'port: 1\nreplica_cuont: 2\n',
      /\.disktrorc:2: unknown key "replica_cuont"$/,
      /^did you mean replica_count\?$/,
    ],
    ['a key like no other', 'zzzzzzzzzz: 2\n', /unknown key "zzzzzzzzzz"$/, /^the keys are home, port/],
    [
      'a wrong type',
      'port: [80]\n',
      /\.disktrorc:1: port: expected a whole number from 0 to 65535, got \[80\]$/,
    ],
    ['a number as text', 'port: "80"\n', /got "80"$/],
    [
      'a value out of range',
      'chunk_size: 1000\n',
      /chunk_size: expected a power of two from 65536 to 16777216, got 1000$/,
    ],
    ['a key given twice', 'port: 1\nport: 2\n', /:2: map keys must be unique/],
    ['a YAML bomb', `port: 1\n${bomb}`, /aliases are not allowed/],
    ['deep nesting', `${'['.repeat(20_000)}`, /nested too deeply|flow/i],
    ['a list', '- port\n', /expected keys and values/],
    ['bytes that are not text', Uint8Array.of(0xff, 0xfe, 0x00), /expected UTF-8 text$/],
    ['a huge file', `# ${'x'.repeat(70_000)}`, /expected at most 65536 bytes, found more$/],
  ];
  for (const [claim, content, message, hint] of cases) {
    place.write('.disktrorc', content);
    const outcome = await place.run('ls', '--json');
    expectJsonError(t, outcome, { status: 2, code: 'E_CONFIG', message, ...(hint ? { hint } : {}) }, claim);
    t.ok(outcome.seconds < 20, `${claim}: at once`);
  }
  place.write('.disktrorc', 'port: 1\n');
  const environment = await place.runWith({ env: { DISKTRO_WORKERS: 'many' } }, 'ls');
  expectError(
    t,
    environment,
    { status: 2, message: /^\$DISKTRO_WORKERS: expected auto or a whole number/ },
    'the environment',
  );
  const missing = await place.run('--config', 'none.yaml', 'ls');
  expectError(t, missing, { status: 2, message: /none\.yaml: no such file or folder$/ }, '--config');
  for (const words of [['--version'], ['--help']]) {
    place.write('.disktrorc', 'nonsense: 1\n');
    t.equal((await place.run(...words)).status, 0, `${words[0]} reads no configuration`);
  }
});

t.test('.disktrorc.example can be used as it is, and says what the defaults are', async (t) => {
  const place = emptyPlace(t);
  place.write('.disktrorc', readFileSync(join(ROOT, '.disktrorc.example')));
  const { status, stdout } = await place.runWith({ env: { DISKTRO_HOME: undefined } }, 'config', '--json');
  t.equal(status, 0);
  const values = Object.fromEntries(jsonLines(stdout).map(({ key, value }) => [String(key), value]));
  t.same(values, { ...DEFAULT_CONFIG, home: join(String(place.env.HOME), '.disktro') });
});
