// Invites and the proof of them. Sources: src/net/invite.ts.
import { createHmac } from 'node:crypto';
import t from 'tap';
import type { NodeId } from '../../src/core/ids.js';
import {
  formatInvite,
  type Invite,
  inviteIdOf,
  isJoinProof,
  joinProof,
  parseInvite,
} from '../../src/net/invite.js';
import { sampleBytes } from '../ops/sample-bytes.js';

const now = 1_900_000_000_000;
const invite: Invite = {
  addresses: ['nas.local:8081', '[fd00::7]:8081'],
  caFingerprint: 'ab'.repeat(32),
  secret: sampleBytes('secret', 16),
  endMs: now + 3_600_000,
};
const line = formatInvite(invite);
const encode = (fields: unknown): string =>
  `disktro-invite-1:${Buffer.from(JSON.stringify(fields)).toString('base64url')}`;
const good = { a: ['h:1'], f: 'ab'.repeat(32), s: '01'.repeat(16), e: now };

t.test('comes back as it was, also from a terminal that broke the line', async (t) => {
  t.match(line, /^disktro-invite-1:[\w-]+$/);
  t.same(parseInvite(line, now), invite);
  t.same(parseInvite(`  ${line.slice(0, 40)}\r\n ${line.slice(40)}\n`, now), invite);
  t.same(
    parseInvite(encode({ ...good, more: 1 }), now).addresses,
    ['h:1'],
    'with a field of a later version',
  );
});

t.test('is refused with E_USAGE and a hint when it is broken', async (t) => {
  for (const length of [0, 5, 17, 18, 40, line.length - 30, line.length - 2]) {
    const refused = t.throws(
      () => parseInvite(line.slice(0, length), now),
      { code: 'E_USAGE' },
      `${length} characters`,
    );
    t.ok((refused as unknown as { hint?: string }).hint, 'and says what to do');
  }
  const table: [string, unknown][] = [
    ['no addresses', { ...good, a: [] }],
    ['too many addresses', { ...good, a: Array(9).fill('h:1') }],
    ['an address that is none', { ...good, a: [7] }],
    ['an address with a line break', { ...good, a: ['h:1\nx'] }],
    ['a short fingerprint', { ...good, f: 'ab' }],
    ['a short secret', { ...good, s: '01' }],
    ['upper-case digits', { ...good, s: 'AB'.repeat(16) }],
    ['no end', { ...good, e: undefined }],
    ['an end that is text', { ...good, e: '1' }],
    ['an end no calendar has', { ...good, e: 9e15 }],
    ['a list', []],
    ['nothing', null],
  ];
  for (const [title, fields] of table)
    t.throws(() => parseInvite(encode(fields), now), { code: 'E_USAGE' }, title);
  t.throws(() => parseInvite(`${line}*`, now), { code: 'E_USAGE' }, 'a strange character');
  t.throws(() => parseInvite(`disktro-invite-1:${'A'.repeat(9000)}`, now), { code: 'E_USAGE' }, 'too long');
  t.throws(() => parseInvite(line.replace('-1:', '-2:'), now), { message: /newer/ }, 'a later version');
});

t.test('is over an hour after it was made, give or take ten minutes of clock', async (t) => {
  t.same(parseInvite(line, invite.endMs + 9 * 60_000), invite);
  t.throws(() => parseInvite(line, invite.endMs + 11 * 60_000), {
    code: 'E_USAGE',
    message: /expired on 2030/,
  });
});

t.test('the proof is bound to the secret, both nodes and the connection', async (t) => {
  const context = {
    joiningNodeId: 'a'.repeat(52) as NodeId,
    invitingNodeId: 'b'.repeat(52) as NodeId,
    exporter: sampleBytes('exporter', 32),
  };
  const proof = joinProof(invite.secret, context);
  const text = `disktro/v1/join\n${'a'.repeat(52)}\n${'b'.repeat(52)}\n${context.exporter.toString('hex')}`;
  t.equal(proof, createHmac('sha256', invite.secret).update(text).digest('hex'), 'as PROTOCOL.md has it');
  t.equal(isJoinProof(proof, invite.secret, context), true);
  const others = [
    { ...context, joiningNodeId: context.invitingNodeId },
    { ...context, invitingNodeId: context.joiningNodeId },
    { ...context, exporter: sampleBytes('another', 32) },
  ];
  for (const other of others) t.equal(isJoinProof(proof, invite.secret, other), false);
  t.equal(isJoinProof(proof, sampleBytes('other', 16), context), false);
  for (const bad of ['', proof.slice(1), `${proof}0`, proof.toUpperCase()])
    t.equal(isJoinProof(bad, invite.secret, context), false);
  t.match(inviteIdOf(invite.secret), /^[0-9a-f]{64}$/);
});
