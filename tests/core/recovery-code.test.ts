// The recovery code. Source: src/core/recovery-code.ts.
import fc from 'fast-check';
import t from 'tap';
import { formatRecoveryCode, isMistypedCode, parseRecoveryCode } from '../../src/core/recovery-code.js';
import { holds } from './properties.js';
import { noise } from './samples.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const secrets = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc
    .nat({ max: 2 ** 31 - 1 })
    .map((low) =>
      Uint8Array.from(Buffer.concat([Buffer.alloc(12), Buffer.from(Uint32Array.of(low).buffer)])),
    ),
);
const samples = [Buffer.alloc(16), Buffer.alloc(16, 255), ...[1, 2, 3, 4, 5].map((seed) => noise(seed, 16))];

holds(
  'a code is seven groups of four that are read back',
  [secrets],
  (secret) => {
    const code = formatRecoveryCode(secret);
    return (
      /^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/.test(code) &&
      parseRecoveryCode(code)?.equals(secret) === true
    );
  },
  500,
);

holds(
  'a code is read in any case, with spaces and dashes anywhere, with O for 0 and I and L for 1',
  [
    secrets,
    fc.infiniteStream(fc.constantFrom('', '', ' ', '-', '\t', ' - ', '\n')),
    fc.infiniteStream(fc.boolean()),
  ],
  (secret, gaps, choices) => {
    const typed = [...formatRecoveryCode(secret)].map((symbol) => {
      const choice = choices.next().value;
      const lookalike = symbol === '0' ? 'O' : symbol === '1' ? (choice ? 'I' : 'l') : symbol;
      return (choice ? lookalike.toLowerCase() : lookalike) + gaps.next().value;
    });
    return parseRecoveryCode(typed.join(''))?.equals(secret) === true;
  },
  500,
);

t.test('every single wrong symbol is found', async (t) => {
  const missed: string[] = [];
  for (const secret of samples) {
    const symbols = formatRecoveryCode(secret).replaceAll('-', '');
    for (let at = 0; at < symbols.length; at++) {
      for (const wrong of ALPHABET) {
        if (wrong === symbols[at]) continue;
        const changed = symbols.slice(0, at) + wrong + symbols.slice(at + 1);
        if (parseRecoveryCode(changed) !== undefined) missed.push(`${wrong} at ${at} of ${symbols}`);
      }
    }
  }
  t.same(missed, []);
});

t.test('every swap of two symbols is found, neighbours or not', async (t) => {
  const missed: string[] = [];
  for (const secret of samples) {
    const symbols = [...formatRecoveryCode(secret).replaceAll('-', '')];
    for (let first = 0; first < symbols.length; first++) {
      for (let second = first + 1; second < symbols.length; second++) {
        if (symbols[first] === symbols[second]) continue;
        const swapped = [...symbols];
        [swapped[first], swapped[second]] = [symbols[second] ?? '', symbols[first] ?? ''];
        if (parseRecoveryCode(swapped.join('')) !== undefined)
          missed.push(`${first} and ${second} of ${symbols.join('')}`);
      }
    }
  }
  t.same(missed, []);
});

t.test('a symbol left out or typed twice is found', async (t) => {
  const symbols = formatRecoveryCode(noise('twice', 16)).replaceAll('-', '');
  for (let at = 0; at < symbols.length; at++) {
    t.equal(parseRecoveryCode(symbols.slice(0, at) + symbols.slice(at + 1)), undefined);
    t.equal(parseRecoveryCode(symbols.slice(0, at) + symbols[at] + symbols.slice(at)), undefined);
  }
});

t.test('what is no code is not read', async (t) => {
  const code = formatRecoveryCode(noise('no code', 16));
  const wrong = [
    '',
    ' ',
    '-',
    'password',
    code.slice(1),
    `${code}0`,
    code.replace(/./, 'U'),
    code.replace(/./, '*'),
    `${code}\0`,
  ];
  for (const text of wrong) t.equal(parseRecoveryCode(text), undefined, JSON.stringify(text));
  t.equal(parseRecoveryCode(`8${'0'.repeat(27)}`), undefined, 'a number of 129 bits');
});

t.test('a code with one wrong digit is told from a password and from a right code', async (t) => {
  const code = formatRecoveryCode(noise('mistyped', 16));
  const wrong = (code.startsWith('0') ? '1' : '0') + code.slice(1);
  t.equal(isMistypedCode(wrong), true);
  t.equal(isMistypedCode(wrong.toLowerCase().replaceAll('-', ' ')), true);
  for (const text of [code, code.slice(1), `${code}0`, 'correct horse battery staple', '']) {
    t.equal(isMistypedCode(text), false, text);
  }
});

t.test('a secret of another length is refused', async (t) => {
  for (const length of [0, 15, 17]) t.throws(() => formatRecoveryCode(Buffer.alloc(length)), RangeError);
});
