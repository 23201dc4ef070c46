// What is proven to a node that gives out slots. Source: src/ops/recover/recover-answer.ts.
import t from 'tap';
import { isSignedByRaw, rawPublicKeyOfSeed, signWithSeed } from '../../../src/core/seed-key.js';
import { proofBytes } from '../../../src/ops/recover/recover-answer.js';

t.test('a proof is good on its own connection, and replayed on no other', async (t) => {
  const seed = Buffer.alloc(32, 7);
  const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const proof = signWithSeed(seed, proofBytes(one));
  t.ok(isSignedByRaw(rawPublicKeyOfSeed(seed), proofBytes(one), proof));
  t.notOk(isSignedByRaw(rawPublicKeyOfSeed(seed), proofBytes(other), proof));
});
