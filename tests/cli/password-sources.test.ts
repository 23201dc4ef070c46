// Passwords as the real command gets them: from files, commands, the environment and people, and never shown.
// Sources: src/cli/password.ts, terminal.ts.
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { offLinux } from '../skip.js';
import { eventually, jsonLines, oneJson, RECOVERY_CODE } from './command.js';
import { expectError, expectJsonError } from './errors.js';
import { emptyPlace, PASSWORD, placeWithFile, placeWithVault } from './place.js';
import { runOnTerminal } from './terminal.js';

const WRONG = 'swordfish';

t.test('flags come before the environment, and the sources in it have their order', async (t) => {
  const { place } = await placeWithFile(t);
  const file = (name: string, content: string): string => {
    writeFileSync(place.path(name), content, { mode: 0o600 });
    return name;
  };
  const good = file('good', `${place.code}\n`);
  const bad = file('bad', `${WRONG}\n`);
  const wrong = {
    DISKTRO_PASSWORD: WRONG,
    DISKTRO_PASSWORD_FILE: bad,
    DISKTRO_PASSWORD_COMMAND: `cat ${bad}`,
  };
  const none = { DISKTRO_PASSWORD: undefined };
  const cases: [claim: string, words: string[], env: Record<string, string | undefined>][] = [
    ['--password-file wins over everything', ['--password-file', good], wrong],
    ['so does --password-command', ['--password-command', `cat ${good}`], wrong],
    ['the variable wins over file and command', [], { ...wrong, DISKTRO_PASSWORD: place.code }],
    ['the file over the command', [], { ...wrong, ...none, DISKTRO_PASSWORD_FILE: good }],
    ['and the command is last', [], { ...none, DISKTRO_PASSWORD_COMMAND: `cat ${good}` }],
  ];
  for (const [claim, words, env] of cases) {
    const { status, stderr } = await place.runWith({ env }, 'ls', ...words);
    t.equal(status, 0, `${claim}: ${stderr}`);
  }
  const both = await place.run('ls', '--json', '--password-file', good, '--password-command', `cat ${good}`);
  expectJsonError(t, both, { status: 2, code: 'E_USAGE' }, 'both flags');
});

t.test('a source that gives no password is exit 2 and named, without what it gave', async (t) => {
  const place = await placeWithVault(t);
  mkdirSync(place.path('folder'));
  place.write('empty', '\n');
  place.write('long', `hunter2${'x'.repeat(5000)}`);
  place.write('binary', Uint8Array.of(0x68, 0x75, 0x6e, 0xff));
  for (const name of ['empty', 'long', 'binary']) chmodSync(place.path(name), 0o600);
  const cases: [words: string[], message: RegExp][] = [
    [['--password-file', 'none'], /^--password-file none: cannot read it: no such file or folder$/],
    [['--password-file', 'folder'], /cannot read it: it is a folder$/],
    [['--password-file', 'empty'], /expected a password, got an empty one$/],
    [['--password-file', 'long'], /expected at most 4096 bytes, got more$/],
    [['--password-file', 'binary'], /expected UTF-8 text$/],
    [['--password-command', 'echo hunter2; exit 7'], /expected the command to succeed, got status 7$/],
    [['--password-command', 'true'], /expected a password, got an empty one$/],
    [['--password-command', 'kill -9 $$'], /a stop by SIGKILL$/],
  ];
  for (const [words, message] of cases) {
    const outcome = await place.run('ls', '--json', ...words);
    expectJsonError(t, outcome, { status: 2, code: 'E_PASSWORD_UNUSABLE', message }, words.join(' '));
    t.notMatch(outcome.stderr, /"message":"[^"]*hunter2/, 'what it gave is not shown');
  }
});

t.test('without a source and a terminal it asks nobody, and says what to do', async (t) => {
  const { place } = await placeWithFile(t);
  const env = { DISKTRO_PASSWORD: undefined };
  const outcome = await place.runWith({ env, through: ['setsid', '--wait'] }, 'ls');
  const hint = /--password-file FILE or --password-command CMD, set DISKTRO_PASSWORD/;
  expectError(
    t,
    outcome,
    { status: 2, message: /^a password is needed, and there is no terminal/, hint },
    'ls',
  );
  t.ok(outcome.seconds < 20, 'at once');
  for (const words of [['status'], ['verify'], ['gc'], ['key', 'list'], ['config'], ['rm', 'latest']]) {
    const { status } = await place.runWith({ env }, ...words);
    t.equal(status, 0, `${words.join(' ')} needs none`);
  }
  place.write('a', 'a');
  const fresh = emptyPlace(t);
  const first = await fresh.runWith({ env }, 'chunk', place.path('a'));
  expectError(t, first, { status: 2, message: /^a new password for this vault is needed/ }, 'a first chunk');
  t.same(readdirSync(join(fresh.home, '..')).includes('home'), false, 'makes no home');
});

t.test('a wrong password, or the code of another vault, is exit 12', async (t) => {
  const { place } = await placeWithFile(t);
  const other = await emptyPlace(t).run('init', '--json');
  const codeOfOther = String(oneJson(other.stdout).recoveryCode);
  const mistyped = place.code.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  for (const [claim, password] of [
    ['wrong', WRONG],
    ['almost right', `${PASSWORD} `],
    ['the code of another vault', codeOfOther],
    ['the code with a wrong digit', mistyped],
  ] as const) {
    const env = { DISKTRO_PASSWORD: password };
    const outcome = await place.runWith({ env }, 'reassemble', '--json', 'latest', '-o', 'out');
    expectJsonError(t, outcome, { status: 12, code: 'E_WRONG_PASSWORD', message: /^wrong password/ }, claim);
    t.equal(/typing error/.test(outcome.stderr), claim === 'the code with a wrong digit', `${claim}: hint`);
    t.notOk(outcome.stderr.includes(password), `${claim}: it is not shown`);
  }
  t.notOk(place.has('out'));
});

t.test('password and recovery code are both accepted, the code in any writing', async (t) => {
  const { place, file } = await placeWithFile(t);
  const writings = [
    PASSWORD,
    PASSWORD.normalize('NFD'),
    place.code,
    place.code.toLowerCase(),
    place.code.replaceAll('-', ' '),
  ];
  for (const password of writings) {
    const { status, bytes } = await place.runWith(
      { env: { DISKTRO_PASSWORD: password } },
      'reassemble',
      'latest',
      '-o',
      '-',
    );
    t.equal(status, 0);
    t.ok(bytes.equals(file.bytes));
  }
  const env = { DISKTRO_PASSWORD: undefined };
  place.write('code', place.code);
  chmodSync(place.path('code'), 0o644);
  const warned = await place.runWith({ env }, 'ls', '--json', '--password-file', 'code');
  t.equal(warned.status, 0);
  t.match(jsonLines(warned.stderr), [{ warning: /^code is open to others \(mode 0644\)/ }]);
});

t.test('a password that happens to be a recovery code of another vault opens its own', async (t) => {
  const { code } = await placeWithVault(t);
  const place = emptyPlace(t);
  const env = { DISKTRO_PASSWORD: code };
  t.equal((await place.runWith({ env }, 'init', '--recovery-file', 'own')).status, 0);
  t.equal((await place.runWith({ env }, 'ls')).status, 0);
  const own = await place.runWith({ env: { DISKTRO_PASSWORD: undefined } }, 'ls', '--password-file', 'own');
  t.equal(own.status, 0, 'and so does its own code');
});

t.test('at a terminal the password is asked for, hidden, once', async (t) => {
  const { place, file } = await placeWithFile(t);
  const env = { DISKTRO_PASSWORD: undefined };
  const script = [['password: ', `${PASSWORD}\r`]] as const;
  const listed = await runOnTerminal(place, ['ls'], { env, script });
  t.equal(listed.status, 0, listed.screen);
  t.same(listed.echoes, [false], 'the terminal does not show what is typed');
  t.notOk(listed.screen.includes(PASSWORD), 'nor does the command');
  t.match(listed.screen, /^password: \r\n/);
  t.ok(listed.screen.includes(file.id.slice(0, 12)));

  const wrong = await runOnTerminal(place, ['ls'], { env, script: [['password: ', `${WRONG}\r`]] });
  t.equal(wrong.status, 12);
  const away = await runOnTerminal(place, ['ls'], { env, script: [['password: ', '\x03']] });
  t.equal(away.status, 130, 'Ctrl-C at the prompt');
  t.notMatch(away.screen, /hint|at .+:\d+/);
  const empty = await runOnTerminal(place, ['ls'], { env, script: [['password: ', '\r']] });
  t.equal(empty.status, 2, 'an empty line');
});

t.test('the prompt leaves stdout clean and does not touch a stdin that carries data', async (t) => {
  const { place, file } = await placeWithFile(t);
  place.write('input', 'data from a pipe');
  const env = { DISKTRO_PASSWORD: undefined };
  const out = await runOnTerminal(place, ['reassemble', 'latest', '-o', '-'], {
    env,
    onTerminal: ['stdin', 'stderr'],
    files: { stdout: place.path('out') },
    script: [['password: ', `${place.code}\r`]],
  });
  t.equal(out.status, 0, out.screen);
  t.ok(place.read('out').equals(file.bytes));
  const piped = await runOnTerminal(place, ['chunk', '-', '--name', 'piped'], {
    env,
    onTerminal: ['stdout', 'stderr'],
    files: { stdin: place.path('input') },
    script: [['password: ', `${place.code}\r`]],
  });
  t.equal(piped.status, 0, piped.screen);
  const back = await place.run('reassemble', 'piped', '-o', '-');
  t.equal(back.stdout, 'data from a pipe');
  const onlyIn = await runOnTerminal(place, ['ls'], {
    env,
    onTerminal: ['stdin'],
    files: { stdout: place.path('list'), stderr: place.path('errors') },
    script: [['password: ', `${place.code}\r`]],
  });
  t.equal(onlyIn.status, 0, 'a redirected stderr does not hide the question');
  t.notMatch(place.read('errors').toString(), /password/);
});

t.test('a new password is typed twice, until both are the same', async (t) => {
  const place = emptyPlace(t);
  const env = { DISKTRO_PASSWORD: undefined, DISKTRO_NEW_PASSWORD: undefined };
  const question = 'new password for this vault: ';
  const again = 'new password for this vault, again: ';
  const made = await runOnTerminal(place, ['init'], {
    env,
    script: [
      [question, `${WRONG}\r`],
      [again, 'sword fish\r'],
      [question, `${WRONG}\r`],
      [again, `${WRONG}\r`],
    ],
  });
  t.equal(made.status, 0, made.screen);
  t.same(made.echoes, [false, false, false, false]);
  t.match(made.screen, /the two do not match/);
  t.notOk(made.screen.includes(WRONG));
  const code = RECOVERY_CODE.exec(made.screen)?.[0] ?? '';
  const changed = await runOnTerminal(place, ['key', 'passwd'], {
    env,
    script: [
      ['password: ', `${WRONG}\r`],
      ['new password: ', 'tuna\r'],
      ['new password, again: ', 'tuna\r'],
    ],
  });
  t.equal(changed.status, 0, changed.screen);
  t.same(changed.unplayed, []);
  for (const [password, status] of [
    ['tuna', 0],
    [WRONG, 12],
    [code, 0],
  ] as const) {
    const outcome = await place.runWith({ env: { DISKTRO_PASSWORD: password } }, 'ls');
    t.equal(outcome.status, status, `${password === code ? 'the code' : password}: exit ${status}`);
  }
});

t.test('no password stands in the argument list of any process', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  const env = {
    DISKTRO_PASSWORD: undefined,
    DISKTRO_PASSWORD_COMMAND: 'printf %s "$SECRET"; sleep 0.3',
    SECRET: place.code,
  };
  const running = place.startWith({ env }, 'chunk', '-', '--name', 'x');
  const lists = new Set<string>();
  const isOver = running.outcome.then(() => true);
  const look = async (): Promise<void> => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        lists.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      } catch {
        // It has ended meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await eventually('the session begins', () => {
    void look();
    return place.temporary().some((name) => name.endsWith('.lock'));
  });
  running.child.stdin?.end('data');
  while (!(await Promise.race([isOver, look().then(() => false)])));
  t.ok(
    [...lists].some((list) => list.includes('sleep\x000.3')),
    'the command was seen at work',
  );
  t.notOk([...lists].some((list) => list.includes(place.code)));
});

t.test('the password command is a child without data: chunk - keeps its stdin', async (t) => {
  const place = await placeWithVault(t);
  const env = { DISKTRO_PASSWORD: undefined, SECRET: place.code };
  const options = { env, input: 'all of it' };
  const { status } = await place.runWith(
    options,
    'chunk',
    '-',
    '--name',
    'x',
    '--password-command',
    'cat; printf %s "$SECRET"',
  );
  t.equal(status, 0);
  const back = await place.run('reassemble', 'x', '-o', '-');
  t.equal(back.stdout, 'all of it');
});
