// Disks that are full or cannot be written. Each script has a mount namespace of its own, so that nothing is left
// mounted; where that is not allowed the tests are skipped and say so. Sources: src/store/file-batch.ts,
// src/ops/home/home.ts, src/ops/read/output-file.ts.
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { onWindows } from '../skip.js';
import { jsonLines, type Outcome, oneJson } from './command.js';
import { type Place, placeWithFile, placeWithVault } from './place.js';

const isRoot = process.getuid?.() === 0;
const NAMESPACE = isRoot ? ['unshare', '-m'] : ['unshare', '-Urm'];
const canMount =
  spawnSync(NAMESPACE[0] ?? '', [...NAMESPACE.slice(1), 'sh', '-c', 'mount -t tmpfs none /tmp']).status === 0;
const skip = canMount ? false : 'mounting is not allowed here';

const MIB = 1024 * 1024;

async function withMounts(place: Place, script: string): Promise<Outcome> {
  const outcome = await place.shell(`set -u\n${script}`, { through: NAMESPACE });
  if (/mount: /.test(outcome.stderr)) throw new Error(outcome.stderr);
  return outcome;
}

/** The home on a file system of its own, with this many MiB. */
const onSmallDisk = (sizeMib: number): string => `
  mkdir disk && mount -t tmpfs -o size=${sizeMib}m none disk && cp -a "$DISKTRO_HOME" disk/home
  export DISKTRO_HOME=$PWD/disk/home`;

t.test(
  'a disk too full is exit 28, nothing is lost, verify is clean, and it goes on when there is room',
  { skip },
  async (t) => {
    const { place, file } = await placeWithFile(t);
    place.write('large', sampleBytes('large', 60 * MIB));
    const script = `
    ${onSmallDisk(48)}
    disktro chunk --json large; echo "chunk $?"
    disktro chunk --json - < large; echo "stdin $?"
    ls disk/home/tmp | wc -l
    disktro verify --read-data; echo "verify $?"
    disktro reassemble ${file.id} -o - | sha256sum
    disktro ls --json
    disktro gc --grace 0 > /dev/null; echo "gc $?"
    mount -o remount,size=200m disk
    disktro chunk --json large; echo "later $?"
    disktro verify --read-data`;
    const { stdout, stderr } = await withMounts(place, script);
    t.match(stdout, /^chunk 28\nstdin 28\n0\n/, 'no id, exit 28, an empty tmp/');
    t.match(stdout, /: all good\nverify 0\n/);
    const sum = spawnSync('sha256sum', { input: file.bytes, encoding: 'utf8' }).stdout;
    t.ok(stdout.includes(sum), 'what was there comes back');
    t.equal(stdout.match(/"name":"holiday\.tar"/g)?.length, 1, 'and is all that is listed');
    t.match(stdout, /\ngc 0\n\{.*"name":"large".*\nlater 0\n.*: all good\n$/s);
    const errors = stderr.split('\n').filter((line) => line.startsWith('{"error"'));
    t.equal(errors.length, 2);
    for (const line of errors)
      t.match(JSON.parse(line), { error: { code: 'E_NO_SPACE', hint: /free some space/ } });
  },
);

t.test('a disk without any room at all is exit 28 at the first write', { skip }, async (t) => {
  const { place } = await placeWithFile(t);
  place.write('small', 'small');
  const script = `
    ${onSmallDisk(48)}
    head -c 100M /dev/zero > disk/filler 2>/dev/null
    disktro chunk --json small; echo "chunk $?"
    disktro ls --json; echo "ls $?"
    disktro reassemble latest -o back >/dev/null 2>&1; echo "reassemble $?"
    rm disk/filler
    disktro verify; echo "verify $?"
    disktro chunk small >/dev/null 2>&1; echo "later $?"`;
  const { stdout, stderr } = await withMounts(place, script);
  t.match(stdout, /^chunk 28\n/, stderr);
  t.match(stdout, /"name":"holiday\.tar".*\nls 0\nreassemble 0\n/, 'reading goes on');
  t.match(stdout, /verify 0\nlater 0\n$/);
});

t.test('init and rebuild on a full disk are exit 28 and leave the catalog there was', { skip }, async (t) => {
  const { place } = await placeWithFile(t);
  const script = `
    mkdir disk && mount -t tmpfs -o size=1m none disk
    head -c 2M /dev/zero > disk/filler 2>/dev/null
    disktro --home disk/new init --json >/dev/null; echo "init $?"
    umount disk; rmdir disk
    ${onSmallDisk(48)}
    head -c 100M /dev/zero > disk/filler 2>/dev/null
    disktro rebuild --json; echo "rebuild $?"
    rm disk/filler
    disktro ls --json; echo "ls $?"`;
  const { stdout, stderr } = await withMounts(place, script);
  t.match(stdout, /init 28\n/, stderr);
  t.match(stdout, /rebuild 28\n/, stderr);
  t.match(stdout, /"name":"holiday\.tar".*\nls 0\n$/);
  t.notMatch(stderr, /^ +at /m, 'no stack');
});

t.test('an output on a full disk is exit 28 and leaves nothing there', { skip }, async (t) => {
  const place = await placeWithVault(t);
  place.write('large', sampleBytes('large', 20 * MIB));
  await place.run('chunk', 'large');
  const script = `
    mkdir disk && mount -t tmpfs -o size=8m none disk
    disktro reassemble latest --json -o disk/out; echo "reassemble $?"
    ls -A disk | wc -l
    disktro reassemble latest -o - > disk/out; echo "stdout $?"
    rm disk/out; echo mine > disk/out
    disktro reassemble latest -o disk/out --force; echo "force $?"
    cat disk/out; ls -A disk`;
  const { stdout, stderr } = await withMounts(place, script);
  t.equal(stdout, 'reassemble 28\n0\nstdout 28\nforce 28\nmine\nout\n');
  t.match(JSON.parse(stderr.split('\n')[0] ?? ''), { error: { code: 'E_NO_SPACE', hint: /-o/ } });
});

t.test('a read-only home can be listed, restored from and verified, but not written', { skip }, async (t) => {
  const { place, file } = await placeWithFile(t);
  place.write('a', 'a');
  const script = `
    mount --bind "$DISKTRO_HOME" "$DISKTRO_HOME" && mount -o remount,bind,ro "$DISKTRO_HOME"
    mkdir temporary; export TMPDIR=$PWD/temporary
    for words in 'ls' 'info latest' 'status' 'verify' 'verify --read-data' 'key list' 'reassemble latest -o back'; do
      disktro -q $words > out 2> err; echo "$words: $?"; cat err
    done
    cmp back "$1"; echo "cmp $?"
    for words in 'chunk a' 'rm latest' 'gc' 'rebuild' 'verify --repair' 'key add' 'key recovery'; do
      DISKTRO_NEW_PASSWORD=x disktro --json $words > out; echo "$words: $?"
    done
    ls -A temporary | wc -l`;
  place.write('original', file.bytes);
  const { stdout, stderr } = await place.shell(script, { through: NAMESPACE, arguments: ['original'] });
  const reading = [
    'ls',
    'info latest',
    'status',
    'verify',
    'verify --read-data',
    'key list',
    'reassemble latest -o back',
  ];
  const writing = ['chunk a', 'rm latest', 'gc', 'rebuild', 'verify --repair', 'key add', 'key recovery'];
  t.equal(
    stdout,
    [
      ...reading.map((words) => `${words}: 0`),
      'cmp 0',
      ...writing.map((words) => `${words}: 10`),
      '0',
      '',
    ].join('\n'),
    stderr,
  );
  const errors = jsonLines(stderr);
  t.equal(errors.length, writing.length);
  for (const [index, record] of errors.entries()) {
    const { code, message } = record.error as { code: string; message: string };
    t.equal(code, 'E_READ_ONLY', `${writing[index]}: ${message}`);
  }
});

t.test('a home whose folder may not be written says so and names it', { skip: onWindows }, async (t) => {
  const { place } = await placeWithFile(t);
  place.write('a', 'a');
  const dropped = '-dac_override,-dac_read_search';
  const through = isRoot ? ['setpriv', `--bounding-set=${dropped}`, `--inh-caps=${dropped}`] : [];
  chmodSync(place.home, 0o500);
  t.teardown(() => chmodSync(place.home, 0o700));
  const chunk = await place.runWith({ through }, 'chunk', '--json', 'a');
  t.equal(chunk.status, 10);
  t.match(oneJson(chunk.stderr), { error: { code: 'E_READ_ONLY', hint: /owner and mode/ } });
  t.equal((await place.runWith({ through }, 'ls')).status, 0);
  chmodSync(place.home, 0o000);
  const closed = await place.runWith({ through }, 'ls', '--json');
  t.equal(closed.status, 10, 'not readable either');
  t.match(oneJson(closed.stderr), { error: { code: /^E_(?:READ_ONLY|IO)$/ } });
});
