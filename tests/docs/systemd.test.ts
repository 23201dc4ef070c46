// The units of docs/systemd/ are what systemd takes, and their commands are what disktro takes.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../src/cli/commands.js';
import { ROOT } from '../cli/command.js';
import { scratchFolder } from '../ops/scratch-home.js';

const FOLDER = join(ROOT, 'docs/systemd');
const units = readdirSync(FOLDER).map((name) => join(FOLDER, name));

const isMissing = spawnSync('systemd-analyze', ['--version']).error !== undefined;

t.test('systemd accepts the units', { skip: isMissing && 'there is no systemd-analyze here' }, async (t) => {
  const env = { PATH: process.env.PATH, HOME: scratchFolder(t), XDG_RUNTIME_DIR: scratchFolder(t) };
  const verify = spawnSync('systemd-analyze', ['--user', 'verify', ...units], { env, encoding: 'utf8' });
  t.same([verify.status, verify.stderr], [0, '']);
});

t.test('each command and option in them exists', async (t) => {
  const lines = units.flatMap(
    (unit) => readFileSync(unit, 'utf8').match(/(?<=^ExecStart=\/usr\/bin\/env disktro ).*$/gm) ?? [],
  );
  t.ok(lines.length >= 3);
  for (const line of lines) {
    const words = line.replace(/^-q /, '').split(' ');
    const spec = COMMANDS.find(({ name }) => name === words[0]);
    t.ok(spec, line);
    const known = (spec?.options ?? []).map(({ flags }) => flags.split(' ')[0]);
    for (const word of words) if (word.startsWith('-')) t.ok(known.includes(word), `${word} of ${words[0]}`);
  }
});
