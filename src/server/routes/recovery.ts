/** The route for machines that have nothing but a password or a recovery code (docs/PROTOCOL.md, "Recovery"). */
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import type { VaultId } from '../../core/ids.js';
import { isVaultId } from '../../core/ids.js';
import { RECOVER_EXPORTER_LABEL } from '../../net/invite.js';
import { addressKey, RequestLimit } from '../../net/rate-limit.js';
import { makeInvite } from '../../ops/cluster/join.js';
import type { FoundClaim } from '../../ops/recover/recover-answer.js';
import { costsOf, findByCode, findByProof, madeUpSecret } from '../../ops/recover/recover-answer.js';
import { readJsonBody, refusal, replyJson } from '../json-body.js';
import type { Call, Route } from '../router.js';
import type { ServingNode } from '../serving-node.js';

const MAX_BODY_BYTES = 4096;
const MINUTE_MS = 60_000;
const LIMITS = { perKey: 5, total: 60, windowMs: MINUTE_MS };
/** Before every no: to guess shall be slow, and the time shall tell nothing. */
const REFUSAL_PAUSE_MS = 1_000;
const INVITE_MS = 60_000;

const PROOFS = z.record(z.string().regex(/^[0-9a-f]{16}$/), z.string().regex(/^[0-9a-f]{128}$/));
const VAULT = z.string().refine(isVaultId);
const CODE = z.strictObject({ v: z.literal(1), claim: z.string().regex(/^[0-9a-f]{32}$/) });
const COSTS = z.strictObject({ v: z.literal(1), vault: VAULT });
const PROOF = z.strictObject({ v: z.literal(1), vault: VAULT, proofs: PROOFS });
const REQUEST = z.union([CODE, COSTS, PROOF]);

export function recoveryRoutes(node: ServingNode): readonly Route[] {
  // To ask what a password costs is not to try one, so each has its own count.
  const tries = new RequestLimit(LIMITS);
  const questions = new RequestLimit(LIMITS);
  return [
    {
      method: 'POST',
      path: '/recover',
      audience: 'joining',
      handle: async (call) => {
        const { request, response, connection } = call;
        const asked = REQUEST.parse(await readJsonBody(request, { maxBytes: MAX_BODY_BYTES }));
        const isQuestion = !('claim' in asked) && !('proofs' in asked);
        const limit = isQuestion ? questions : tries;
        if (!limit.allow(addressKey(connection.remoteAddress)))
          throw refusal(429, 'too many tries: wait a minute');
        if (isQuestion) {
          const slots = costsOf(node.home, asked.vault as VaultId, await secretOf(node));
          replyJson(response, 200, { slots });
          return;
        }
        const found =
          'claim' in asked
            ? findByCode(node.home, asked.claim)
            : findByProof(
                node.home,
                asked.vault as VaultId,
                asked.proofs,
                connection.exporter(RECOVER_EXPORTER_LABEL),
              );
        if (found === undefined) {
          await pause(REFUSAL_PAUSE_MS);
          throw refusal(403, 'no');
        }
        await answer(node, call, found);
      },
    },
  ];
}

async function answer(node: ServingNode, { response }: Call, { record, slot }: FoundClaim): Promise<void> {
  const { records, removals } = node.cluster()?.membership.snapshot() ?? { records: [], removals: [] };
  const { id, vault_file, authority = null } = record;
  // Only where the owner cannot make a certificate with what is sealed in the record.
  const invite = authority === null ? await inviteOf(node) : null;
  replyJson(response, 200, { vault: id, slot, vault_file, authority, invite, records, removals });
  node.log.warning(`vault ${id.slice(0, 8)} is being recovered from here`);
}

/** null: this node does not hold the CA's key. */
async function inviteOf(node: ServingNode): Promise<string | null> {
  const identity = await node.files.read();
  const addresses = node.cluster()?.membership.record(node.id)?.addresses ?? [];
  if (identity?.caKeyPem === undefined || addresses.length === 0) return null;
  return makeInvite(node.files, addresses, Date.now(), INVITE_MS);
}

async function secretOf(node: ServingNode): Promise<Buffer> {
  const identity = await node.files.read();
  return madeUpSecret(identity?.keyPem ?? node.id);
}
