// What a path in a manifest may be. Source: src/core/entry-path.ts.
import fc from 'fast-check';
import t from 'tap';
import { checkEntryPath } from '../../src/core/entry-path.js';
import { MAX_PATH_BYTES } from '../../src/limits.js';
import { holds } from './properties.js';

const accepted = [
  'a',
  'a/b/c',
  '...',
  '.a',
  'a.',
  '..a',
  'a..',
  '.. ',
  ' ',
  '-rf',
  'a\nb',
  'a\\b',
  'C:',
  'ä',
  '\u{1f600}',
  'p'.repeat(MAX_PATH_BYTES),
];

const refused = [
  '',
  '.',
  '..',
  '/',
  '/a',
  'a/',
  'a//b',
  './a',
  '../a',
  'a/.',
  'a/..',
  'a/../b',
  'a/./b',
  'a\0',
  '\0',
  '\0/a',
  'p'.repeat(MAX_PATH_BYTES + 1),
  'ä'.repeat(MAX_PATH_BYTES / 2 + 1),
];

for (const path of accepted) {
  t.test(`accepts ${JSON.stringify(path.slice(0, 40))}, ${path.length} long`, async (t) => {
    t.doesNotThrow(() => checkEntryPath(path));
    t.doesNotThrow(() => checkEntryPath(Buffer.from(path)), 'also as bytes');
  });
}

for (const path of refused) {
  t.test(`refuses ${JSON.stringify(path.slice(0, 40))}, ${path.length} long`, async (t) => {
    t.throws(() => checkEntryPath(path), { name: 'DisktroError', code: 'E_MANIFEST_PATH' });
    t.throws(() => checkEntryPath(Buffer.from(path)), { code: 'E_MANIFEST_PATH' }, 'also as bytes');
  });
}

t.test('accepts bytes that are not UTF-8, and refuses what leads out among them', async (t) => {
  t.doesNotThrow(() => checkEntryPath(Uint8Array.of(0xff, 0xfe, 0x2f, 0xc3, 0x28)));
  t.throws(() => checkEntryPath(Uint8Array.of(0xff, 0x2f, 0x2e, 0x2e)), { code: 'E_MANIFEST_PATH' });
});

t.test('a refusal shows the path as one line', async (t) => {
  t.throws(() => checkEntryPath('a\n\u001b[2J/../b'), { message: /^path "a\\n\\u001b\[2J\/..\/b": / });
  t.throws(
    () => checkEntryPath(`${'x'.repeat(9999)}/..`),
    { message: /^.{1,260}$/ },
    'and not all of a long one',
  );
});

const part = fc.constantFrom('', '.', '..', 'a', '...', '\0', 'b\0c');

holds(
  'a path is accepted just when every part is a name',
  [fc.array(part, { maxLength: 5 })],
  (parts) => {
    const isGood = parts.length > 0 && parts.every((name) => name === 'a' || name === '...');
    try {
      checkEntryPath(parts.join('/'));
      return isGood;
    } catch {
      return !isGood;
    }
  },
  1000,
);
