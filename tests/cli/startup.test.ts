// What a run loads before it does anything: --version nearly nothing, no command what it does not need. Sources:
// src/cli/main.ts, run.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROOT } from './command.js';
import { emptyPlace, type Place, placeWithFile } from './place.js';

/** Keeps a list of every module that Node's own loaders read. */
const HOOK = `
  import { appendFileSync } from 'node:fs';
  import Module, { register } from 'node:module';
  const list = process.env.LOADED;
  const load = Module._load;
  Module._load = function (request, parent, isMain) {
    const path = Module._resolveFilename(request, parent, isMain);
    appendFileSync(list, path + '\\n');
    return load.call(this, request, parent, isMain);
  };
  const hooks = \`
    import { appendFileSync } from 'node:fs';
    export async function load(url, context, next) {
      appendFileSync(\${JSON.stringify(list)}, url + '\\\\\\\\n');
      return next(url, context);
    }\`;
  register('data:text/javascript,' + encodeURIComponent(hooks));
`;

/** Modules that a run loads, as paths inside the repository. */
async function loadedBy(place: Place, ...words: string[]): Promise<{ stdout: string; modules: string[] }> {
  const list = place.path(place.write('loaded', ''));
  const hook = place.path(place.write('hook.mjs', HOOK));
  const { status, stdout, stderr } = await place.runWith(
    { nodeOptions: ['--import', hook], env: { LOADED: list } },
    ...words,
  );
  if (status !== 0) throw new Error(stderr);
  const lines = [...new Set(readFileSync(list, 'utf8').split('\n'))];
  return { stdout, modules: lines.filter((line) => /\/(?:dist\/(?:src|bin)|node_modules)\//.test(line)) };
}

/** What a bundled file was made of; any other is itself. */
function sourcesOf(file: string): readonly string[] {
  if (!/\/dist\/bin\/.*\.js$/.test(file)) return [file];
  return (JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[] }).sources;
}

/** Packages that are loaded, those in the bundle included. */
const packagesOf = (modules: readonly string[]): string[] => [
  ...new Set(
    modules
      .flatMap(sourcesOf)
      .map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
      .filter((name) => name !== undefined),
  ),
];

t.test('--version prints the version, and loads no package for it', async (t) => {
  const place = emptyPlace(t);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  for (const flag of ['--version', '-V']) {
    const { stdout, modules } = await loadedBy(place, flag);
    t.equal(stdout, `${version}\n`, `${flag} alone`);
    t.same(packagesOf(modules), [], 'no package');
    t.ok(
      modules.some((path) => path.includes('dist/bin/main.js')),
      'the hook sees what is loaded',
    );
    t.ok(modules.length <= 8, `${modules.length} modules`);
  }
  const later = await place.run('--json', '--version');
  t.equal(later.stdout, `${version}\n`, 'also beside other options');
});

t.test('no command loads what it does not need', async (t) => {
  const { place } = await placeWithFile(t);
  const cases: [words: string[], packages: string[]][] = [
    [['--help'], ['commander']],
    [['completion', 'bash'], ['commander']],
    [['config'], ['commander']],
    [['status'], ['better-sqlite3', 'commander']],
  ];
  for (const [words, expected] of cases) {
    const { modules } = await loadedBy(place, ...words);
    const heavy = [
      'better-sqlite3',
      'chalk',
      'cli-progress',
      'cborg',
      'commander',
      'libsodium-wrappers-sumo',
      'lz4',
      'lz4js',
      'yaml',
      'zod',
      'zstd-napi',
      'zstddec',
    ];
    const found = packagesOf(modules).filter((name) => heavy.includes(name));
    if (words[0] === 'status')
      t.notOk(
        found.some((name) => /^(?:chalk|cli-progress|yaml|zod)$/.test(name)),
        words.join(' '),
      );
    else t.same(found.sort(), expected, words.join(' '));
  }
  const { modules } = await loadedBy(place, 'chunk', 'loaded', '--name', 'x');
  t.notOk(
    packagesOf(modules).some((name) => /^(?:chalk|cli-progress|yaml|zod)$/.test(name)),
    'chunk without configuration or terminal',
  );
  t.notOk(
    packagesOf(modules).some((name) => /^zstd/.test(name)),
    'and without zstd',
  );
  t.equal(packagesOf(modules).filter((name) => /^lz4(?:js)?$/.test(name)).length, 1, 'and with one LZ4');
  t.ok(packagesOf(modules).includes('better-sqlite3'), 'the hook sees packages too');
});
