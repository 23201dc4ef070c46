// What a thief of the disk sees, and what anybody can check without a key. Sources: src/core/object.ts,
// src/core/sealed-record.ts, src/ops/chunk/manifest-writer.ts.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { emptyPlace, PASSWORD, type Place, placeWithVault } from './place.js';

/** Finds the text in any file below the home, as grep does: in content and in names. */
async function grep(place: Place, text: string): Promise<string> {
  const script = 'grep -r -a -l -i -F -e "$1" "$DISKTRO_HOME"; find "$DISKTRO_HOME" -iname "*$1*"';
  const { stdout } = await place.shell(script, { arguments: [text] });
  return stdout;
}

t.test(
  "a grep for the file's words, its name, its tag, the host and the password finds nothing",
  async (t) => {
    const place = await placeWithVault(t);
    const words = 'kalamazoo-penumbra';
    const lines = Array.from({ length: 3000 }, (_, line) => `${line} ${words} ${line * 7}\n`).join('');
    place.write('tax-return-2031.txt', lines);
    mkdirSync(place.path('folder-of-mine'));
    place.write('folder-of-mine/incompressible-name.bin', sampleBytes('noise', 100_000));
    await place.run('chunk', '--tag', 'very-private-tag', 'tax-return-2031.txt');
    await place.run(
      'chunk',
      '--no-compress',
      'tax-return-2031.txt',
      'folder-of-mine/incompressible-name.bin',
    );
    await place.run('chunk', '--name', 'a-given-name', 'tax-return-2031.txt');
    await place.run('rm', 'a-given-name');
    await place.run('key', 'list');
    await place.run('verify', '--read-data');
    await place.run('rebuild');
    const secrets = [
      words,
      'tax-return',
      'incompressible-name',
      'a-given-name',
      'folder-of-mine',
      'very-private-tag',
      PASSWORD,
      place.code,
      place.code.replaceAll('-', ''),
    ];
    for (const secret of secrets)
      t.equal(await grep(place, secret), '', secret === place.code ? 'the code' : secret);
    const { hostname } = await import('node:os');
    if (hostname().length > 4) t.equal(await grep(place, hostname()), '', 'the host');
    const vault = JSON.parse(readFileSync(join(place.home, 'vault.json'), 'utf8')) as { vaultId: string };
    t.not(await grep(place, vault.vaultId), '', 'what is no secret is found: the search works');
  },
);

t.test('sha256sum of every object is its name', async (t) => {
  const place = await placeWithVault(t);
  place.write('a', sampleBytes('a', 500_000));
  place.write('b', 'text '.repeat(50_000));
  await place.run('chunk', 'a', 'b');
  const script = `cd "$DISKTRO_HOME/objects" && for f in */??/*; do
    read -r sum _ < <(sha256sum "$f"); [ "$sum" = "\${f##*/}" ] || echo "$f"; echo checked >&2; done`;
  const { status, stdout, stderr } = await place.shell(script);
  t.equal(status, 0);
  t.equal(stdout, '', 'no object has another name');
  t.equal(stderr.split('\n').length - 1, place.objects('chunks').length + 2, 'all were looked at');
});

t.test('nobody else may look into a home, whatever the umask', async (t) => {
  const place = emptyPlace(t);
  place.write('a', sampleBytes('a', 300_000));
  const script =
    'umask 000; disktro chunk -q a 2>/dev/null >/dev/null; find "$DISKTRO_HOME" -perm /077 | head';
  const { status, stdout } = await place.shell(script);
  t.equal(status, 0);
  t.equal(stdout, '', 'nothing is open to group or others');
  t.equal(statSync(place.home).mode & 0o777, 0o700);
});

t.test('equal files of two vaults share nothing, and sizes say little', async (t) => {
  const first = await placeWithVault(t);
  const second = emptyPlace(t);
  const names = new Set<string>();
  for (const place of [first, second]) {
    for (const size of [1000, 1001, 1010]) {
      place.write(`f${size}`, sampleBytes('same', size));
      await place.runWith({ mayShowCode: true }, 'chunk', `f${size}`);
    }
    for (const path of place.objects('chunks')) names.add(path.slice(-64));
    const sizes = new Set(place.objects('chunks').map((path) => statSync(path).size));
    t.equal(sizes.size, 1, 'three sizes near each other are one');
  }
  t.equal(names.size, 6);
});

t.test('a home that moves keeps working', async (t) => {
  const place = await placeWithVault(t);
  writeFileSync(place.path('a'), 'a');
  await place.run('chunk', 'a');
  const script =
    'mv "$DISKTRO_HOME" moved && disktro --home moved reassemble latest -o - && disktro --home moved status';
  const { status, stdout } = await place.shell(script);
  t.equal(status, 0);
  t.match(stdout, /^ahome: +\S+\/moved\n/);
});
