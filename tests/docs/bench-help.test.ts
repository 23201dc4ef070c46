// Every bench says how it is called, and does not begin when it is called otherwise. Source: bench/options.mjs.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROOT } from '../cli/command.js';

const benches = readdirSync(join(ROOT, 'bench')).filter((name) => /(?:^|-)run\.mjs$/.test(name));

t.ok(benches.length >= 5);
for (const name of benches) {
  t.test(`${name} --help, and an option that there is not`, async (t) => {
    const run = (option: string) =>
      spawnSync(process.execPath, [join(ROOT, 'bench', name), option], { encoding: 'utf8', timeout: 60_000 });
    const helped = run('--help');
    t.match(helped, { status: 0, stdout: /^usage: npm run bench/, stderr: '' });
    const refused = run('--nonsense');
    t.equal(refused.status, 2);
    t.match(refused.stderr, /--nonsense/);
    t.notMatch(refused.stderr, /\n +at /, 'no stack');
  });
}
