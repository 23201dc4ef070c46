// In which order an output is made: whole, synced, and only then under its name, whenever the process or the machine
// stops. Source: src/ops/read/output-file.ts.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { eventually } from './command.js';
import { type Place, placeWithFile, placeWithVault } from './place.js';

const MIB = 1024 * 1024;

/** Keeps a list of what is done to files outside the home, as one word and a name per line. */
const HOOK = `
  import fs from 'node:fs';
  const names = new Map();
  const short = (path) => String(path).split('/').at(-1).replace(/^\\.disktro-.*\\.tmp$/, 'temporary');
  const isHome = (path) => String(path).startsWith(process.env.DISKTRO_HOME);
  const note = (what, path) => isHome(path) || fs.appendFileSync(process.env.STEPS, what + ' ' + short(path) + '\\n');
  const watch = (name, tell) => {
    const call = fs[name];
    fs[name] = (...args) => {
      const done = args.pop();
      call(...args, (error, ...results) => {
        if (!error) tell(results[0], ...args);
        done(error, ...results);
      });
    };
  };
  watch('open', (descriptor, path, flags) => {
    names.set(descriptor, path);
    if (flags === 'wx') note('make', path);
  });
  watch('write', (_count, descriptor) => names.has(descriptor) && note('write', names.get(descriptor)));
  watch('fsync', (_, descriptor) => names.has(descriptor) && note('sync', names.get(descriptor)));
  watch('link', (_, from, to) => note('link', to));
  watch('rename', (_, from, to) => note('rename', to));
  watch('unlink', (_, path) => note('unlink', path));
`;

async function stepsOf(place: Place, ...words: string[]): Promise<string[]> {
  const hook = place.path(place.write('hook.mjs', HOOK));
  const list = place.path(place.write('steps', ''));
  const options = { nodeOptions: ['--import', hook], env: { STEPS: list } };
  const { status, stderr } = await place.runWith(options, 'reassemble', 'latest', ...words);
  if (status !== 0) throw new Error(stderr);
  const steps = readFileSync(list, 'utf8').trim().split('\n');
  return steps.filter((step, index) => step !== steps[index - 1]);
}

t.test('an output is written whole, synced, and gets its name, which is synced as well', async (t) => {
  const { place } = await placeWithFile(t);
  const folder = 'sync work';
  t.same(await stepsOf(place, '-o', 'out'), [
    'make temporary',
    'write temporary',
    'sync temporary',
    'link out',
    'unlink temporary',
    folder,
  ]);
  t.same(
    await stepsOf(place, '-o', 'out', '--force'),
    ['make temporary', 'write temporary', 'sync temporary', 'rename out', folder],
    'one that replaces another does so in one step',
  );
});

t.test('kill -9 in the midst of it leaves nothing under the name, or what was there', async (t) => {
  const place = await placeWithVault(t);
  place.write('large', sampleBytes('large', 96 * MIB));
  await place.run('chunk', 'large');
  place.write('there', 'before');
  for (const words of [
    ['-o', 'new'],
    ['-o', 'there', '--force'],
  ]) {
    const temporary = (): boolean => place.names().some((name) => name.endsWith('.tmp') || name === 'new');
    const running = place.startWith(
      { input: '', env: { DISKTRO_WORKERS: '0' } },
      'reassemble',
      'latest',
      ...words,
    );
    await eventually('it is being written', temporary);
    running.child.kill('SIGKILL');
    await running.outcome;
    t.notOk(place.has('new'), words.join(' '));
    t.equal(place.read('there').toString(), 'before', words.join(' '));
    for (const name of place.names()) if (name.endsWith('.tmp')) await place.shell('rm .disktro-*.tmp');
  }
});
