// The bar that a person sees, and the events that a program gets: only where they belong. Sources:
// src/cli/progress.ts, progress-line.ts.
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { jsonLines } from './command.js';
import { type Place, placeWithVault } from './place.js';
import { runOnTerminal } from './terminal.js';

const MIB = 1024 * 1024;
const LARGE_MIB = 160;
const BAR = /█|░|\d+%/;
const ESC = '\x1b';
/** How a bar is redrawn: the cursor goes to the start of the line. */
const REDRAW = `${ESC}[1G`;
const COLOR = new RegExp(`${ESC}\\[3\\dm`);
/** One movement, or a run of text. */
const TOKEN = new RegExp(`${ESC}(?:[78]|\\[[0-9;?]*[A-Za-z])|\\r|\\n|[^${ESC}\\r\\n]+`, 'g');
const CONTROL = new RegExp(`^${ESC}(?:[78]|\\[([0-9;?]*)([A-Za-z]))$`);

async function placeWithLargeFile(test: Parameters<typeof placeWithVault>[0]): Promise<Place> {
  const place = await placeWithVault(test);
  place.write('large.bin', sampleBytes('large', LARGE_MIB * MIB));
  place.env.DISKTRO_WORKERS = '0'; // long enough for a bar, also on a fast machine
  return place;
}

/** What is left on a screen, line by line, when all was drawn: carriage returns and erasures are carried out. */
function leftOnScreen(screen: string): string[] {
  const lines = [''];
  let column = 0;
  for (const [token] of screen.matchAll(TOKEN)) {
    const last = lines.at(-1) ?? '';
    const control = CONTROL.exec(token);
    const [, count, command] = control ?? [];
    if (token === '\n') lines.push('');
    else if (token === '\r') column = 0;
    else if (command === 'G') column = Math.max(0, Number(count || 1) - 1);
    else if (command === 'K') lines[lines.length - 1] = count === '2' ? '' : last.slice(0, column);
    else if (control === null) {
      lines[lines.length - 1] =
        last.slice(0, column).padEnd(column) + token + last.slice(column + token.length);
      column += token.length;
    }
    if (token === '\n') column = 0;
  }
  return lines.map((line) => line.trimEnd()).filter((line) => line !== '');
}

t.test('on a terminal a bar shows bytes, rate, time left and chunks, and is gone at the end', async (t) => {
  const place = await placeWithLargeFile(t);
  const chunk = await runOnTerminal(place, ['chunk', 'large.bin'], { columns: 140 });
  t.equal(chunk.status, 0, chunk.screen);
  t.match(
    chunk.screen,
    /large\.bin {2}[█░]{24} +\d+% {2}\d.*\/160 MiB {2}\d.* MiB\/s {2}ETA \d+:\d\d {2}\d+ chunks \(\d+ new, 0 dup\)/,
  );
  const left = leftOnScreen(chunk.screen);
  t.equal(left.length, 2, left.join('\n'));
  t.match(left[0], /^[0-9a-f]{64}$/, 'the id stands alone');
  t.match(left[1], /^large\.bin: 160 MiB, \d+ chunks, \d+ new, stored .+ in .+ \(.+\/s\); 1 of 3 copies/);

  const narrow = await runOnTerminal(place, ['reassemble', 'latest', '-o', 'back.bin'], { columns: 40 });
  t.equal(narrow.status, 0, narrow.screen);
  t.match(narrow.screen, /\d+%/);
  for (const [token] of narrow.screen.matchAll(TOKEN)) {
    if (BAR.test(token)) t.ok([...token].length < 40, 'a bar never wraps');
  }
  t.match(leftOnScreen(narrow.screen).join(''), /^large\.bin: 160 MiB/);

  const stopped = await runOnTerminal(place, ['chunk', 'large.bin', '--name', 'again'], {
    script: [['%', { signal: 'SIGINT' }]],
  });
  t.equal(stopped.status, 130, stopped.screen);
  t.same(
    leftOnScreen(stopped.screen),
    ['disktro: error: stopped before it was done'],
    'the error stands on a clean line',
  );
});

t.test('no bar in a pipe, with -q, --no-progress or --json, and no trace of one', async (t) => {
  const place = await placeWithLargeFile(t);
  const piped = await place.run('chunk', 'large.bin');
  t.notMatch(piped.stderr, BAR);
  t.notMatch(piped.stderr, /\p{Cc}(?<!\n)/u, 'no control character at all');
  for (const words of [['-q'], ['--no-progress'], ['--json']]) {
    const { status, screen } = await runOnTerminal(place, [...words, 'verify', '--read-data']);
    t.equal(status, 0, words.join(' '));
    t.notOk(screen.includes(REDRAW) || BAR.test(screen), words.join(' '));
  }
  place.write('small', 'small');
  const { screen } = await runOnTerminal(place, ['chunk', 'small']);
  t.equal(leftOnScreen(screen).length, 2, 'an id and a note');
});

t.test('--json -v gives events as lines of JSON, with the last one at the end', async (t) => {
  const place = await placeWithLargeFile(t);
  const { status, stdout, stderr } = await place.run('--json', '-v', 'chunk', 'large.bin');
  t.equal(status, 0);
  t.equal(jsonLines(stdout).length, 1, 'stdout is the result alone');
  const events = jsonLines(stderr)
    .map(({ progress }) => progress as Record<string, number> | undefined)
    .filter((event) => event !== undefined);
  t.ok(events.length >= 2, `${events.length} events`);
  for (const event of events)
    t.match(event, { label: 'large.bin', totalBytes: LARGE_MIB * MIB, chunks: Number, newChunks: Number });
  const bytes = events.map((event) => event.bytes ?? 0);
  t.same(
    bytes,
    [...bytes].sort((a, b) => a - b),
    'they only grow',
  );
  t.equal(bytes.at(-1), LARGE_MIB * MIB);
  const quiet = await place.run('--json', 'verify');
  t.equal(quiet.stderr, '', 'none without -v');
});

t.test('colours only on a terminal, and NO_COLOR is honoured', async (t) => {
  const place = await placeWithVault(t);
  const words = ['reassemble', 'none'];
  t.match((await runOnTerminal(place, words)).screen, COLOR);
  t.notMatch((await runOnTerminal(place, words, { env: { NO_COLOR: '1' } })).screen, COLOR);
  t.notMatch((await runOnTerminal(place, words, { env: { TERM: 'dumb' } })).screen, COLOR);
  t.notMatch((await runOnTerminal(place, ['--color', 'never', ...words])).screen, COLOR);
  t.notMatch((await place.run(...words)).stderr, COLOR);
  t.match((await place.run('--color', 'always', ...words)).stderr, COLOR);
});
