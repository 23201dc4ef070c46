// Names that people and programs give to files: stored whole, shown safely, found again. Sources: src/cli/escape.ts,
// raw-arguments.ts, src/ops/files/resolve.ts.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { offLinux } from '../skip.js';
import { ID_LINE, jsonLines, oneJson } from './command.js';
import { placeWithVault } from './place.js';

t.test('odd names are stored, listed safely and restored under the same name', async (t) => {
  const place = await placeWithVault(t);
  const names = [
    '-dash',
    '--force',
    'with space',
    'quo\'te"s',
    'new\nline',
    'tab\there',
    'esc\x1b[31mred\x1b[0m',
    'rtl\u202egpj.exe',
    'emoji 🗄️',
    'e\u0301 decomposed',
    'x'.repeat(255),
    'back\\slash',
    '*',
    'CON',
    '$(touch oops)',
    'latest',
    'deadbeefdeadbeef',
  ];
  for (const name of names) place.write(name, `content of ${name}`);
  const stored = await place.run('chunk', '--json', '--', ...names);
  t.equal(stored.status, 0);
  t.same(
    jsonLines(stored.stdout).map(({ name }) => name),
    names,
    'JSON has them whole',
  );

  const listed = await place.run('ls');
  t.equal(listed.stdout.trimEnd().split('\n').length, names.length, 'a line each');
  t.notMatch(listed.stdout, /(?!\n)[\p{Cc}\u202e]/u, 'no control character reaches the terminal');
  t.match(listed.stdout, / new\\nline\n/);
  t.match(listed.stdout, / esc\\x1b\[31mred\\x1b\[0m\n/);
  t.match(listed.stdout, / rtl\\u202egpj\.exe\n/);
  t.same(
    jsonLines((await place.run('ls', '--json')).stdout).map(({ name }) => name),
    names,
  );

  mkdirSync(place.path('back'));
  const ids = jsonLines(stored.stdout).map(({ id }) => String(id));
  const restored = await place.shell(
    'cd back && for id; do disktro reassemble -q $id >/dev/null || exit; done',
    { arguments: ids },
  );
  t.equal(restored.status, 0, restored.stderr);
  t.same(readdirSync(place.path('back')).sort(), [...names].sort());
  for (const name of names) t.equal(place.read(join('back', name)).toString(), `content of ${name}`);
  const noted = await place.run('chunk', '--', 'esc\x1b[31mred\x1b[0m', 'new\nline');
  t.notMatch(noted.stderr, /(?!\n)\p{Cc}|new\nline/u, 'nor do notes show one');
  const refused = await place.run('reassemble', 'no\x1b[2Jsuch\nname');
  t.equal(refused.stderr.split('\n').length, 3, 'an error is one line and a hint, whatever the name');
  t.notMatch(refused.stderr, /(?!\n)\p{Cc}/u);
});

t.test('an exact name is accepted wherever an id is, even one that looks like an id', async (t) => {
  const place = await placeWithVault(t);
  for (const name of ['deadbeef', 'report.pdf']) {
    place.write(name, name);
    await place.run('chunk', name);
    await place.run('chunk', name);
    const info = await place.run('info', '--json', name);
    t.match(oneJson(info.stdout), { name }, `info ${name}`);
    t.equal((await place.run('verify', name)).status, 0, `verify ${name}`);
    const newest = oneJson(info.stdout).id;
    const removed = await place.run('rm', '--json', name);
    t.equal(removed.status, 0, `rm ${name}: ${removed.stderr}`);
    t.match(oneJson(removed.stdout || '{}'), { removed: [newest] }, 'the newest of that name');
  }
});

t.test('names that are not UTF-8 keep their bytes', { skip: offLinux }, async (t) => {
  const place = await placeWithVault(t);
  const script = `
    set -e
    printf one > $'caf\\xe9'; printf two > $'caf\\xe8'; printf three > $'\\xff\\xfe'
    disktro chunk -q $'caf\\xe9' $'caf\\xe8' ./$'\\xff\\xfe' > ids
    mkdir back; cd back
    while read id; do disktro reassemble -q $id > /dev/null; done < ../ids
    cd ..
    for name in $'caf\\xe9' $'caf\\xe8' $'\\xff\\xfe'; do cmp "$name" "back/$name"; done
    ls back | wc -l
    disktro info --json $(sed -n 1p ids)
    if disktro chunk $'gone\\xe9'; then exit 9; else exit $?; fi`;
  const { status, stdout, stderr } = await place.shell(script);
  t.equal(status, 3, 'one that is not there is told as any other');
  t.match(stderr, /cannot read "gone\ufffd": no such file/);
  const [count, info = ''] = stdout.split('\n');
  t.equal(count?.trim(), '3');
  t.match(
    JSON.parse(info),
    { name: 'caf\ufffd', entries: [{ path: 'caf\ufffd' }] },
    'JSON shows what can be shown',
  );
});

t.test('thirty inputs at once give thirty ids', async (t) => {
  const place = await placeWithVault(t);
  const names = Array.from({ length: 30 }, (_, index) => place.write(`f${index}`, `${index % 10}`));
  const { status, stdout } = await place.run('chunk', ...names);
  t.equal(status, 0);
  const ids = stdout.trim().split('\n');
  t.equal(new Set(ids).size, 30);
  t.ok(ids.every((id) => ID_LINE.test(`${id}\n`)));
  t.equal(place.objects('chunks').length, 10, 'equal contents are stored once');
  t.notOk(existsSync(place.path('oops')));
});
