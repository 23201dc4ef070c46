// Help that teaches, and completion that a shell accepts. Sources: src/cli/help-text.ts, program.ts, specs/, completion/.
import { spawnSync } from 'node:child_process';
import t from 'tap';
import { COMMANDS } from '../../src/cli/commands.js';
import { EXITS } from '../../src/cli/exit.js';
import { GLOBAL_OPTIONS } from '../../src/cli/global-options.js';
import { without } from '../skip.js';
import { emptyPlace } from './place.js';

const PATHS = COMMANDS.flatMap(({ name, subcommands = [] }) => [
  [name],
  ...subcommands.map((inner) => [name, inner.name]),
]);

t.test('help shows every command, where passwords come from, and all exit statuses', async (t) => {
  const place = emptyPlace(t);
  const { status, stdout, stderr } = await place.run('--help');
  t.equal(status, 0);
  t.equal(stderr, '');
  for (const { name, summary } of COMMANDS) {
    t.match(stdout, new RegExp(`^  ${name}\\b.*`, 'm'), name);
    t.ok(stdout.replace(/\s+/g, ' ').includes(summary), `${name}: its summary`);
  }
  for (const { status: exit } of Object.values(EXITS)) {
    t.match(stdout, new RegExp(`^ {2} *${exit}  \\S`, 'm'), `exit ${exit}`);
  }
  t.match(stdout, /DISKTRO_PASSWORD_COMMAND/);
  t.equal((await place.run('help')).stdout, stdout, 'help says the same');
  t.equal((await place.run('-h')).stdout, stdout);
  const bare = await place.run();
  t.same([bare.status, bare.stdout], [2, ''], 'no command at all is a mistake');
  t.match(bare.stderr, /Usage: disktro/);
});

t.test('what opens a home says that it may find it damaged', async (t) => {
  const all = COMMANDS.flatMap((spec) => [spec, ...(spec.subcommands ?? [])]);
  // `init` makes one.
  for (const { name, exits } of all.filter(({ name }) => name !== 'init'))
    t.equal(exits.includes('corrupt'), exits.includes('noVault'), name);
});

t.test('each command explains itself with examples and its own exit statuses', async (t) => {
  const place = emptyPlace(t);
  for (const path of PATHS) {
    const { status, stdout } = await place.run('help', ...path);
    const title = path.join(' ');
    t.equal(status, 0, title);
    t.match(stdout, new RegExp(`^Usage: disktro ${title}\\b`), title);
    t.match(
      stdout,
      new RegExp(`\nExamples:\n(?:.+\n)*.*disktro .*${path.at(-1)}`),
      `${title}: an example of itself`,
    );
    t.match(stdout, /\nExit status:\n +0 {2}done\n/, title);
    for (const { flags } of GLOBAL_OPTIONS) {
      const [name = ''] = flags.split(/[ ,]/);
      t.ok(stdout.split('Global options')[1]?.includes(name), `${title}: ${name}`);
    }
    t.ok(
      stdout.split('\n').every((line) => line.length <= 120),
      `${title}: fits on a screen`,
    );
  }
  t.equal((await place.run('chunk', '--help')).stdout, (await place.run('help', 'chunk')).stdout);
  const unknown = await place.run('help', 'chnk');
  t.equal(unknown.status, 2);
  t.match(unknown.stderr, /^disktro: error: unknown command chnk\ndisktro: hint: did you mean chunk\?\n$/);
});

t.test('every completion script knows all commands', async (t) => {
  const place = emptyPlace(t);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { status, stdout } = await place.run('completion', shell);
    t.equal(status, 0);
    for (const [name] of PATHS) t.ok(stdout.includes(name ?? ''), `${shell} knows ${name}`);
  }
  const other = await place.run('completion', 'powershell');
  t.equal(other.status, 2);
});

for (const shell of ['bash', 'zsh', 'fish']) {
  t.test(`${shell} accepts its completion script`, { skip: without(shell) }, async (t) => {
    const place = emptyPlace(t);
    const { stdout } = await place.run('completion', shell);
    place.write('completion', stdout);
    const checked = spawnSync(shell, ['-n', place.path('completion')], { encoding: 'utf8' });
    t.same([checked.status, checked.stderr], [0, ''], `${shell} -n`);
  });
}

t.test('the bash completion offers what can stand there', { skip: without('bash') }, async (t) => {
  const place = emptyPlace(t);
  place.write('some-file', '');
  place.write('completion.bash', (await place.run('completion', 'bash')).stdout);
  const cases: [line: string, offers: string[]][] = [
    ['disktro reas', ['reassemble']],
    ['disktro key re', ['remove', 'recovery']],
    ['disktro chunk --chunker ', ['cdc', 'fixed']],
    ['disktro --json chunk some', ['some-file']],
    ['disktro reassemble x -o some', ['some-file']],
    ['disktro completion ', ['bash', 'zsh', 'fish']],
    ['disktro gc --dr', ['--dry-run']],
    ['disktro --color ', ['auto', 'always', 'never']],
    ['disktro help ver', ['verify']],
  ];
  for (const [line, offers] of cases) {
    const script = `
      source completion.bash
      read -ra COMP_WORDS <<< "$1"; [[ $1 == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _disktro; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await place.shell(script, { arguments: [line] });
    t.same(stdout.trim().split('\n').sort(), offers.sort(), line);
  }
});
