// What tests start ends with them, also when they are killed. Source: tests/cli/command.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { until } from '../cluster/node.js';
import { BOUND } from './command.js';
import { emptyPlace } from './place.js';

t.setTimeout(120_000);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

t.test('a `serve` ends with the process of its test', async (t) => {
  if (BOUND.length === 0) {
    t.comment('no setpriv here that can do it');
    return;
  }
  const place = emptyPlace(t);
  const surroundings = { cwd: place.cwd, env: place.env, secrets: [] };
  const command = JSON.stringify(new URL('command.js', import.meta.url));
  const script = `const { start } = await import(${command});
    const { child, said } = start(${JSON.stringify(surroundings)}, ['serve', '--json', '--port', '0'], { input: '' });
    const look = setInterval(() => {
      if (!said().includes('"url"')) return;
      clearInterval(look);
      console.log(child.pid);
    }, 20);`;
  const test = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [told] = await once(test.stdout, 'data');
  const pid = Number(String(told));
  t.ok(pid > 0 && isAlive(pid), 'it is up');
  test.kill('SIGKILL');
  await until('it has ended', () => !isAlive(pid));
  t.pass('without anybody telling it');
});
