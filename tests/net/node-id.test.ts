// The name of a node. Source: src/net/node-id.ts.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { NodeId } from '../../src/core/ids.js';
import { isNodeId, nodeIdOf, shortNodeId } from '../../src/net/node-id.js';
import { bytes, holds } from '../core/properties.js';

/** RFC 4648 section 6 by way of one large number: slow, and unlike the code. */
function slowBase32(hash: Buffer): string {
  const bits = [...hash].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.padEnd(260, '0').match(/.{5}/g) ?? [];
  return groups.map((group) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(group, 2)]).join('');
}

holds('a node id is the lower-case base32 of the SHA-256 of the key', [bytes(100)], (spki) => {
  const id = nodeIdOf(spki);
  return id === slowBase32(createHash('sha256').update(spki).digest()) && isNodeId(id) && id.length === 52;
});

t.test('the empty input has the id that coreutils gives it', async (t) => {
  // printf '' | sha256sum | xxd -r -p | base32 | tr A-Z a-z | tr -d =
  t.equal(nodeIdOf(new Uint8Array()), '4oymiquy7qobjgx36tejs35zeqt24qpemsnzgtfeswmrw6csxbkq');
});

t.test('refuses what is no node id', async (t) => {
  const good = nodeIdOf(Buffer.from('key'));
  t.ok(isNodeId(good));
  const bad = {
    empty: '',
    'one short': good.slice(1),
    'one long': `${good}a`,
    'upper case': good.toUpperCase(),
    'a digit base32 has not': `1${good.slice(1)}`,
    'bits after the last one': `${good.slice(0, -1)}b`,
    'a line feed at the end': `${good}\n`,
    'a path': '../../../../../../../../../../../../../../../../../..',
    prototype: '__proto__',
  };
  for (const [what, text] of Object.entries(bad)) t.notOk(isNodeId(text), what);
});

holds(
  'whatever ends in one of the digits a and q, and only that, is an id',
  [fc.constantFrom(...'abcq27')],
  (last) => isNodeId('c'.repeat(51) + last) === (last === 'a' || last === 'q'),
);

t.test('people see 8 characters', async (t) => {
  t.equal(shortNodeId(`abcdefgh${'c'.repeat(43)}a` as NodeId), 'abcdefgh');
});
