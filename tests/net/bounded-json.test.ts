// JSON from other machines. Sources: src/net/bounded-json.ts.
import t from 'tap';
import { parseBoundedJson } from '../../src/net/bounded-json.js';

const parse = (text: string, depth?: number): unknown => parseBoundedJson(Buffer.from(text), depth);

t.test('gives what JSON.parse gives', async (t) => {
  const texts = [
    'null',
    '1',
    '"a"',
    '[]',
    '{"a":[1,{"b":"\\"]}"}]}',
    '{"\\u0061":"\\\\"}',
    ' [ "[[[[", "{{{{" ] ',
  ];
  for (const text of texts) t.same(parse(text, 3), JSON.parse(text), text);
});

t.test('counts levels, not brackets', async (t) => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const nest = (levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`;
    t.doesNotThrow(() => parse(nest(32)), `32 of ${open}`);
    t.throws(() => parse(nest(33)), { name: 'JsonRefusal' }, `33 of ${open}`);
  }
  t.doesNotThrow(() => parse(`[${Array(1000).fill('[]').join(',')}]`, 2), 'side by side');
  t.throws(() => parse('['.repeat(5_000_000)), { message: /more than 32 levels/ }, 'five million');
});

t.test('refuses what is no JSON and no UTF-8', async (t) => {
  for (const text of ['', '{', '[1,]', '{"a"}', '"a', '\u{feff}{}', 'NaN', '{}{}'])
    t.throws(() => parse(text), { name: 'JsonRefusal' }, JSON.stringify(text));
  t.throws(() => parseBoundedJson(Uint8Array.of(0x22, 0xff, 0x22)), { message: /UTF-8/ });
});

t.test('lets no __proto__ through, however it is spelled', async (t) => {
  const texts = [
    '{"__proto__":{"x":1},"a":1}',
    '{"\\u005f_proto__":{"x":1},"a":1}',
    '{"_\\u005Fproto__":{"x":1},"a":1}',
  ];
  for (const text of texts) {
    const value = parse(text) as Record<string, unknown>;
    t.same(Object.keys(value), ['a'], text);
    t.equal(Object.assign({}, value).x, undefined);
  }
  const deep = parse('{"b":[{"__proto__":{"x":1}}],"c":"__proto__"}') as { b: object[]; c: string };
  t.same(Object.keys(deep.b[0] ?? {}), []);
  t.equal(deep.c, '__proto__', 'as a value it is only text');
  t.equal(({} as Record<string, unknown>).x, undefined);
});
