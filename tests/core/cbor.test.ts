// Deterministic CBOR. Source: src/core/cbor.ts.
import fc from 'fast-check';
import t from 'tap';
import type { CborValue } from '../../src/core/cbor.js';
import { decodeCbor, decodeCborSequence, encodeCbor } from '../../src/core/cbor.js';
import { byteString, integer, list, map, textString } from './cbor-bytes.js';
import { bytes, holds } from './properties.js';
import { fromHex, toHex } from './vectors.js';

const isRefused = (encoded: Uint8Array): boolean => {
  try {
    decodeCbor(encoded);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'E_CBOR_INVALID';
  }
};

/** Values of every kind that is written, in the shape they are read back in. */
const { value: values } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) - 1n }),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .dictionary(fc.string({ maxLength: 30 }), tie('value'), { maxKeys: 5 })
      .map((all) => new Map(Object.entries(all))),
  ),
}));

/** Written by hand: the reference for what encodeCbor gives. */
function byHand(value: CborValue): Buffer {
  if (value === null) return fromHex('f6');
  if (typeof value === 'boolean') return fromHex(value ? 'f5' : 'f4');
  if (typeof value === 'string') return textString(value);
  if (typeof value === 'number' || typeof value === 'bigint') return integer(value);
  if (value instanceof Uint8Array) return byteString(value);
  if (Array.isArray(value)) return list(...value.map(byHand));
  const pairs = value instanceof Map ? [...value] : Object.entries(value);
  return map(pairs.map(([key, inner]) => [key, byHand(inner)]));
}

holds(
  'what is written is what RFC 8949 asks for, section 4.2.1',
  [values],
  (value) => byHand(value).equals(encodeCbor(value)),
  300,
);

holds(
  'what is written is read back and written the same',
  [values],
  (value) => Buffer.from(encodeCbor(decodeCbor(encodeCbor(value)))).equals(encodeCbor(value)),
  300,
);

holds(
  'the order in which a map was filled does not show',
  [fc.uniqueArray(fc.string({ maxLength: 30 }), { maxLength: 8 })],
  (names) => {
    const pairs = names.map((name, index) => [name, index] as const);
    const forwards = encodeCbor(new Map(pairs));
    return Buffer.from(forwards).equals(encodeCbor(new Map([...pairs].reverse())));
  },
);

t.test('plain objects and maps are written alike, shorter names first', async (t) => {
  t.equal(toHex(encodeCbor({ bbb: 4, aa: 3, b: 2, a: 1 })), 'a4616101616202626161036362626204');
  t.equal(
    toHex(
      encodeCbor(
        new Map([
          ['b', 2],
          ['a', 1],
        ]),
      ),
    ),
    toHex(encodeCbor({ a: 1, b: 2 })),
  );
});

t.test('a map is read as a Map, so that no name reaches a prototype', async (t) => {
  const decoded = decodeCbor(map([['__proto__', map([['polluted', integer(1)]])]]));
  t.ok(decoded instanceof Map);
  t.equal(({} as Record<string, unknown>).polluted, undefined);
  t.same([...(decoded as Map<string, CborValue>).keys()], ['__proto__']);
});

holds(
  'what is read from noise is refused or is written the same',
  [bytes(40)],
  (noise) => {
    if (isRefused(noise)) return true;
    return noise.equals(encodeCbor(decodeCbor(noise)));
  },
  5000,
);

holds(
  'a value with one byte changed is refused or is written the same',
  [values, fc.nat(), fc.nat({ max: 255 })],
  (value, at, byte) => {
    const changed = Buffer.from(encodeCbor(value));
    changed[at % changed.byteLength] = byte;
    return isRefused(changed) || changed.equals(encodeCbor(decodeCbor(changed)));
  },
  500,
);

holds(
  'every truncation of a value is refused',
  [values],
  (value) => {
    const encoded = encodeCbor(value);
    for (let length = 0; length < encoded.byteLength; length++) {
      if (!isRefused(encoded.subarray(0, length))) return false;
    }
    return true;
  },
  100,
);

/** The code of the error with which bytes are refused; its message when it has no code. */
function refusal(decode: (bytes: Uint8Array) => unknown, encoded: Uint8Array): string | undefined {
  try {
    decode(encoded);
    return undefined;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code ?? message;
  }
}

for (const [what, opening] of [
  ['lists', '81'],
  ['maps', 'a16161'],
] as const) {
  t.test(
    `${what} in one another are refused with E_CBOR_INVALID from the first depth that is too much`,
    async (t) => {
      const nested = (depth: number): Buffer =>
        Buffer.concat([fromHex(opening.repeat(depth)), Buffer.alloc(1)]);
      for (const decode of [decodeCbor, (bytes: Uint8Array) => [...decodeCborSequence(bytes)]]) {
        t.equal(refusal(decode, nested(100)), undefined, 'a hundred are read');
        // Where reading or comparing first runs out of stack, found by halving.
        let [read, refused] = [100, 20_000];
        while (refused - read > 1) {
          const middle = (read + refused) >> 1;
          const code = refusal(decode, nested(middle));
          if (code === undefined) read = middle;
          else refused = middle;
          if (code !== undefined && code !== 'E_CBOR_INVALID') t.fail(`${middle} deep: ${code}`);
        }
        t.equal(refusal(decode, nested(60_000)), 'E_CBOR_INVALID');
      }
    },
  );
}

t.test('what has another spelling is refused, alone and in a sequence', async (t) => {
  const spellings: Readonly<Record<string, string>> = {
    'an integer in more bytes': '1801',
    'a float that is an integer': 'f93c00',
    'a float wider than it needs to be': 'fb3ff8000000000000',
    'minus zero': 'f98000',
    NaN: 'f97e00',
    'text that is not UTF-8': '61ff',
    'a map in another order': 'a2616200616100',
    'a map with a name twice': 'a2616100616101',
    'a list of indefinite length': '9fff',
    'a tag': 'c000',
    undefined: 'f7',
  };
  for (const [name, digits] of Object.entries(spellings)) {
    t.ok(isRefused(fromHex(digits)), name);
    const sequence = Buffer.concat([integer(1), fromHex(digits), integer(2)]);
    t.throws(() => [...decodeCborSequence(sequence)], { code: 'E_CBOR_INVALID' }, `${name}, in a sequence`);
  }
});

t.test('an integer that a number cannot hold is read as a bigint', async (t) => {
  t.equal(decodeCbor(integer(2 ** 53 - 1)), 2 ** 53 - 1);
  t.equal(decodeCbor(integer(2n ** 53n)), 2n ** 53n);
  t.equal(decodeCbor(integer(2n ** 64n - 1n)), 2n ** 64n - 1n);
  t.equal(decodeCbor(integer(-(2n ** 53n))), -(2n ** 53n));
});

t.test('a sequence is read value by value', async (t) => {
  t.same([...decodeCborSequence(Buffer.alloc(0))], [], 'none');
  t.same(
    [...decodeCborSequence(Buffer.concat([integer(1), list(integer(2)), textString('3')]))],
    [1, [2], '3'],
  );
});

t.test('a sequence is read up to what is broken, which is refused', async (t) => {
  const read: CborValue[] = [];
  t.throws(
    () => {
      for (const value of decodeCborSequence(Buffer.concat([integer(1), integer(2), fromHex('82')])))
        read.push(value);
    },
    { name: 'DisktroError', code: 'E_CBOR_INVALID' },
  );
  t.same(read, [1, 2]);
});
