// What the build makes of the page: small, whole, and asking nobody else for anything.
import { readdirSync, readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import t from 'tap';

const MOST_BYTES = 60 * 1024;

const folder = new URL('../../web/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, folder));
const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.\w+$/.test(name),
);
const plain = names.filter((name) => !/\.(br|gz)$/.test(name));

t.test('the whole page is below 60 KiB, packed', async (t) => {
  for (const suffix of ['.br', '.gz']) {
    const bytes = plain.reduce((sum, name) => sum + read(`${name}${suffix}`).length, 0);
    t.ok(bytes > 1_000 && bytes < MOST_BYTES, `${bytes} bytes of ${suffix}`);
  }
});

t.test('every file is there packed, with the same contents', async (t) => {
  for (const name of plain) {
    t.ok(brotliDecompressSync(read(`${name}.br`)).equals(read(name)), `${name}.br`);
    t.ok(gunzipSync(read(`${name}.gz`)).equals(read(name)), `${name}.gz`);
  }
});

t.test('index.html has no inline script or style, and names files that are there', async (t) => {
  const html = read('index.html').toString();
  t.notMatch(html, /<script[^>]*>[^<]/);
  t.notMatch(html, /<style|\sstyle=|\son\w+=/);
  const used = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path ?? '');
  t.equal(used.length, 3);
  for (const path of used) t.ok(plain.includes(path), path);
  t.match(used.join(), /page-[A-Z0-9]{8}\.js/, 'names carry a hash');
});

t.test('nothing is asked of another host, and nothing makes HTML out of text', async (t) => {
  for (const name of plain) {
    const urls = (
      read(name)
        .toString()
        .match(/https?:\/\/[^\s"'`)]+/g) ?? []
    ).filter((url) => !/^http:\/\/(www\.w3\.org|localhost)\b/.test(url));
    t.same(urls, [], `${name} names no other host`);
  }
  t.notMatch(read(plain.find((name) => name.endsWith('.css')) ?? '').toString(), /url\(/);
  const code = readdirSync(new URL('../../src/web/', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => readFileSync(new URL(`../../src/web/${name}`, folder), 'utf8'));
  t.ok(code.length > 30);
  for (const text of code)
    t.notMatch(text, /innerHTML|dangerously|insertAdjacentHTML|document\.write|\beval\(/);
});
