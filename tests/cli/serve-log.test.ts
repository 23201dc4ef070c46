// The log of `serve`: what Node itself warns of is a line like any other. Source: src/cli/commands/serve.ts.
import t from 'tap';
import { onWindows } from '../skip.js';
import { eventually, jsonLines } from './command.js';
import { placeWithVault } from './place.js';

/** Warns as Node does, when it is told to. */
const WARNING =
  "process.on('SIGUSR2', () => process.emitWarning('something leaks', 'MaxListenersExceededWarning'));";

const skip = onWindows;

for (const isJson of [true, false]) {
  t.test(
    `a warning of Node is told as a line of the log, ${isJson ? 'as JSON' : 'for people'}`,
    { skip },
    async (t) => {
      const place = await placeWithVault(t);
      place.write('warning.mjs', WARNING);
      const words = [
        ...(isJson ? ['--json'] : []),
        'serve',
        '--host',
        '127.0.0.1',
        '--port',
        '0',
        '--no-mdns',
      ];
      const nodeOptions = ['--import', place.path('warning.mjs')];
      const running = place.startWith({ nodeOptions, input: '' }, ...words);
      await eventually('it listens', () => running.said().includes('listens on'));
      running.child.kill('SIGUSR2');
      await eventually('it is told', () => running.said().includes('something leaks'));
      running.child.kill('SIGTERM');
      const { stderr } = await running.outcome;
      const line = stderr.split('\n').filter((each) => each.includes('something leaks'));
      t.equal(line.length, 1, 'once');
      t.notMatch(stderr, /node:\d+\)|--trace-warnings/, 'and not in the form of Node');
      if (isJson) {
        t.match(
          jsonLines(stderr).find(({ message }) => String(message).includes('leaks')),
          {
            level: 'WARNING',
            message: 'MaxListenersExceededWarning: something leaks',
          },
        );
      } else t.match(line[0], /WARNING.* MaxListenersExceededWarning: something leaks$/);
    },
  );
}
