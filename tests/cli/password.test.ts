// Where a password comes from, in which order, and what is refused. Sources: src/cli/password*.ts.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type PasswordRequest, readNewPassword, readPassword } from '../../src/cli/password.js';
import { readPasswordCommand } from '../../src/cli/password-command.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { onWindows } from '../skip.js';

/** A request with no source at all: tests add theirs. Warnings are kept. */
function createRequest(request: Partial<PasswordRequest> = {}) {
  const warnings: string[] = [];
  const full: PasswordRequest = {
    env: {},
    isStdinTaken: true,
    signal: new AbortController().signal,
    onWarning: (message) => warnings.push(message),
    openTerminal: () => undefined,
    ...request,
  };
  return { request: full, warnings };
}

/** A person who types these lines, and what is shown to them. */
function createPerson(...lines: string[]) {
  const shown: string[] = [];
  let isClosed = false;
  const terminal: Terminal = {
    askHidden: async (prompt) => {
      shown.push(prompt);
      return lines.shift() ?? '';
    },
    say: (text) => void shown.push(text),
    close: () => {
      isClosed = true;
    },
  };
  return { openTerminal: () => terminal, shown, isClosed: () => isClosed };
}

function writePrivate(test: Test, content: string | Uint8Array): string {
  const path = join(test.testdir(), 'password');
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

t.test('flags come before the environment, and the sources in it have their order', async (t) => {
  const folder = t.testdir();
  const file = (name: string): string => {
    const path = join(folder, name);
    writeFileSync(path, name, { mode: 0o600 });
    return path;
  };
  const all = {
    DISKTRO_PASSWORD: 'variable',
    DISKTRO_PASSWORD_FILE: file('env-file'),
    DISKTRO_PASSWORD_COMMAND: 'echo env-command',
  };
  const person = createPerson('typed');
  const read = (request: Partial<PasswordRequest>) =>
    readPassword(createRequest({ openTerminal: person.openTerminal, ...request }).request);
  t.equal(await read({ file: file('flag-file'), env: all }), 'flag-file');
  t.equal(await read({ command: 'echo flag-command', env: all }), 'flag-command');
  t.equal(await read({ env: all }), 'variable');
  t.equal(await read({ env: { ...all, DISKTRO_PASSWORD: undefined } }), 'env-file');
  t.equal(await read({ env: { DISKTRO_PASSWORD_COMMAND: 'echo env-command' } }), 'env-command');
  t.equal(await read({ env: { DISKTRO_PASSWORD_FILE: '', DISKTRO_PASSWORD_COMMAND: '' } }), 'typed');
  await t.rejects(read({ file: 'a', command: 'b' }), { code: 'E_USAGE' }, 'not both flags');
});

t.test('without a source and a terminal it is told what to give', async (t) => {
  await t.rejects(readPassword(createRequest().request), {
    code: 'E_PASSWORD_NEEDED',
    hint: /--password-file.*--password-command.*DISKTRO_PASSWORD.*DISKTRO_PASSWORD_FILE.*DISKTRO_PASSWORD_COMMAND/,
  });
  await t.rejects(readNewPassword(createRequest().request), {
    code: 'E_PASSWORD_NEEDED',
    hint: /--new-password-file.*DISKTRO_NEW_PASSWORD/,
  });
});

t.test('one line end is stripped, from every source alike', async (t) => {
  const cases: [content: string, password: string][] = [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret\n\n', 'secret\n'],
    ['secret\r', 'secret\r'],
    [' secret ', ' secret '],
    ['two\nlines\n', 'two\nlines'],
    ['\ufeffsecret', '\ufeffsecret'],
    ['schlüssel 🔑\n', 'schlüssel 🔑'],
  ];
  for (const [content, password] of cases) {
    const file = writePrivate(t, content);
    const name = JSON.stringify(content);
    t.equal(await readPassword(createRequest({ file }).request), password, `${name} in a file`);
    const command = `cat '${file}'`;
    t.equal(await readPassword(createRequest({ command }).request), password, `${name} from a command`);
    const env = { DISKTRO_PASSWORD: content, DISKTRO_NEW_PASSWORD: content };
    t.equal(await readPassword(createRequest({ env }).request), password, `${name} in the environment`);
    t.equal(await readNewPassword(createRequest({ env }).request), password, `${name} as a new password`);
  }
});

t.test('an empty password is refused, from every source alike', async (t) => {
  const refusal = { code: 'E_PASSWORD_UNUSABLE', message: /expected a password, got an empty one/ };
  for (const content of ['', '\n', '\r\n']) {
    const file = writePrivate(t, content);
    const env = { DISKTRO_PASSWORD: content, DISKTRO_NEW_PASSWORD: content };
    await t.rejects(readPassword(createRequest({ file }).request), refusal);
    await t.rejects(readPassword(createRequest({ command: `cat '${file}'` }).request), refusal);
    await t.rejects(readPassword(createRequest({ env }).request), refusal);
    await t.rejects(readNewPassword(createRequest({ env }).request), refusal);
  }
  const person = createPerson('');
  await t.rejects(readPassword(createRequest(person).request), refusal);
  t.ok(person.isClosed(), 'the terminal is given back');
});

t.test('a file or command gives 4096 bytes of UTF-8 at most', async (t) => {
  const read = (content: string | Uint8Array) => {
    const file = writePrivate(t, content);
    return [
      readPassword(createRequest({ file }).request),
      readPassword(createRequest({ command: `cat '${file}'` }).request),
    ];
  };
  for (const length of [4095, 4096]) {
    for (const password of await Promise.all(read('x'.repeat(length)))) t.equal(password.length, length);
  }
  const bad: [content: string | Uint8Array, message: RegExp][] = [
    ['x'.repeat(4097), /expected at most 4096 bytes/],
    ['x'.repeat(1_000_000), /expected at most 4096 bytes/],
    [Uint8Array.of(0x61, 0xff, 0x62), /expected UTF-8/],
  ];
  for (const [content, message] of bad) {
    for (const reading of read(content)) await t.rejects(reading, { code: 'E_PASSWORD_UNUSABLE', message });
  }
});

t.test('a file that cannot be read is refused by name', async (t) => {
  const folder = t.testdir();
  mkdirSync(join(folder, 'folder'));
  for (const [name, reason] of [
    ['none', 'no such file or folder'],
    ['folder', 'it is a folder'],
  ] as const) {
    const file = join(folder, name);
    const message = `--password-file ${file}: cannot read it: ${reason}`;
    await t.rejects(readPassword(createRequest({ file }).request), { code: 'E_PASSWORD_UNUSABLE', message });
  }
});

t.test('a file that others may read is warned of', { skip: onWindows }, async (t) => {
  const file = writePrivate(t, 'secret');
  for (const [mode, isWarned] of [
    [0o600, false],
    [0o400, false],
    [0o700, false],
    [0o640, true],
    [0o604, true],
    [0o602, true],
    [0o601, true],
    [0o644, true],
  ] as const) {
    chmodSync(file, mode);
    const { request, warnings } = createRequest({ file });
    await readPassword(request);
    t.equal(warnings.length, isWarned ? 1 : 0, mode.toString(8));
    t.notMatch(warnings.join(), /secret/);
  }
});

t.test('a named pipe is read to its end and not judged', { skip: onWindows }, async (t) => {
  const pipe = join(t.testdir(), 'pipe');
  execFileSync('mkfifo', ['-m', '666', pipe]);
  spawn('sh', ['-c', '(printf sec; sleep 0.1; printf ret) >"$1"', 'sh', pipe]);
  const { request, warnings } = createRequest({ file: pipe });
  t.equal(await readPassword(request), 'secret');
  t.same(warnings, []);
});

t.test('a command that fails, or is stopped, gives no password', async (t) => {
  const cases: [command: string, message: RegExp][] = [
    ['echo secret; exit 3', /expected the command to succeed, got status 3/],
    ['no-such-command-anywhere 2>/dev/null', /got status 127/],
    ['kill -9 $$', /got a stop by SIGKILL/],
  ];
  for (const [command, message] of cases) {
    const refusal = { code: 'E_PASSWORD_UNUSABLE', message };
    await t.rejects(readPassword(createRequest({ command }).request), refusal, command);
  }
  t.notMatch(await messageOf(readPassword(createRequest({ command: cases[0]?.[0] }).request)), /secret/);
});

t.test('a command gets the stdin of disktro only when that carries no data', async (t) => {
  const module = new URL('../../src/cli/password-command.js', import.meta.url).href;
  for (const [isStdinTaken, password] of [
    [true, 'end'],
    [false, 'data end'],
  ] as const) {
    const program = `
      const { readPasswordCommand } = await import(${JSON.stringify(module)});
      const options = { isStdinTaken: ${isStdinTaken}, signal: new AbortController().signal };
      console.log(await readPasswordCommand('cat; echo end', 'here', options));`;
    const given = { input: 'data ', encoding: 'utf8' } as const;
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], given);
    t.equal(printed, `${password}\n`);
  }
});

t.test('a command that takes too long is ended', async (t) => {
  const { signal } = new AbortController();
  await t.rejects(
    readPasswordCommand('exec 2>/dev/null; sleep 5 & sleep 5', 'here', {
      isStdinTaken: true,
      signal,
      timeoutMs: 50,
    }),
    {
      code: 'E_PASSWORD_UNUSABLE',
      message: 'here: expected the command to succeed, got no answer in 0.05 s',
    },
  );
});

t.test('a stop ends the command, even one whose child keeps the pipe', { timeout: 20_000 }, async (t) => {
  const controller = new AbortController();
  const { request } = createRequest({
    command: 'exec 2>/dev/null; sleep 5 & sleep 5',
    signal: controller.signal,
  });
  const reading = readPassword(request);
  setTimeout(() => controller.abort(), 100);
  await t.rejects(reading, { code: 'E_ABORTED' });
  await t.rejects(readPassword(request), { code: 'E_ABORTED' }, 'as does one that came before');
});

t.test('at a prompt the password is asked for once, a new one twice', async (t) => {
  const once = createPerson('secret', 'never read');
  t.equal(await readPassword(createRequest(once).request), 'secret');
  t.same(once.shown, ['password: ']);
  t.ok(once.isClosed());
  const twice = createPerson('secret', 'secret');
  t.equal(await readPassword(createRequest(twice).request, true), 'secret');
  t.same(twice.shown, ['new password for this vault: ', 'new password for this vault, again: ']);
  const changed = createPerson('new', 'new');
  t.equal(await readNewPassword(createRequest(changed).request), 'new');
  t.same(changed.shown, ['new password: ', 'new password, again: ']);
});

t.test('two that differ are asked for again, three times at most', async (t) => {
  const slip = createPerson('secret', 'secrte', 'secret', 'secret');
  t.equal(await readNewPassword(createRequest(slip).request), 'secret');
  t.match(slip.shown[2], 'the two do not match');
  const hopeless = createPerson('a', 'b', 'c', 'd', 'e', 'f', 'g', 'g');
  await t.rejects(readNewPassword(createRequest(hopeless).request), { code: 'E_PASSWORD_UNUSABLE' });
  t.ok(hopeless.isClosed());
});

async function messageOf(reading: Promise<string>): Promise<string> {
  return reading.catch((error: Error) => `${error.message} ${error.stack}`);
}
