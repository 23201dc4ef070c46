// What keys do to a hidden line. Source: src/cli/line-editor.ts.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { createLineEditor, type LineEvent } from '../../src/cli/line-editor.js';

/** Every event that these pieces of typing make, in order. */
function eventsOf(...pieces: string[]): LineEvent[] {
  const editor = createLineEditor();
  const events: LineEvent[] = [];
  for (const piece of pieces) {
    for (let event = editor.feed(piece); event !== undefined; event = editor.feed('')) events.push(event);
  }
  return events;
}

const line = (text: string): LineEvent => ({ kind: 'line', text });
const abort: LineEvent = { kind: 'abort' };

const cases: [claim: string, typed: string, events: LineEvent[]][] = [
  ['a line ends at return', 'abc\r', [line('abc')]],
  ['and at line feed', 'abc\n', [line('abc')]],
  ['nothing comes before its end', 'abc', []],
  ['two lines typed ahead are two lines', 'abc\rdef\r', [line('abc'), line('def')]],
  ['backspace takes one character', 'abx\x7fc\r', [line('abc')]],
  ['so does Ctrl-H', 'abx\bc\r', [line('abc')]],
  ['and one character is a whole one', 'a🔑\x7fb\r', [line('ab')]],
  ['backspace at the start does nothing', '\x7f\x7fa\r', [line('a')]],
  ['Ctrl-U empties the line', 'wrong\x15right\r', [line('right')]],
  ['Ctrl-C aborts', 'abc\x03', [abort]],
  ['the line after an abort starts empty', 'abc\x03def\r', [abort, line('def')]],
  ['Ctrl-D aborts an empty line', '\x04', [abort]],
  ['and ends one that is not', 'abc\x04', [line('abc')]],
  ['arrow keys are not part of it', 'a\x1b[D\x1b[1;5Cb\x1bOPc\r', [line('abc')]],
  ['nor are the marks of a paste', '\x1b[200~abc\x1b[201~\r', [line('abc')]],
  ['nor Alt with a key', 'a\x1bfb\r', [line('ab')]],
  ['other control characters do nothing', 'a\x00\x01\tb\r', [line('ab')]],
  ['spaces count', ' a b \r', [line(' a b ')]],
  ['an empty line is one', '\r', [line('')]],
];

for (const [claim, typed, events] of cases) {
  t.test(claim, async (t) => {
    t.same(eventsOf(typed), events);
    t.same(eventsOf(...(typed.match(/[\s\S]/gu) ?? [])), events, 'key by key');
  });
}

t.test('the result does not depend on how the typing is sliced', async () => {
  const key = fc.constantFrom(
    'a',
    'é',
    '🔑',
    ' ',
    '\r',
    '\x7f',
    '\x15',
    '\x03',
    '\x04',
    '\x1b[A',
    '\x1bOP',
    '\x1b',
  );
  fc.assert(
    fc.property(fc.array(key, { maxLength: 20 }), fc.array(fc.nat(40), { maxLength: 6 }), (keys, cuts) => {
      const characters = [...keys.join('')];
      const places = [...new Set(cuts.filter((cut) => cut < characters.length))].sort((a, b) => a - b);
      const pieces = [0, ...places].map((start, index) => characters.slice(start, places[index]).join(''));
      return isDeepStrictEqual(eventsOf(...pieces), eventsOf(characters.join('')));
    }),
  );
});
