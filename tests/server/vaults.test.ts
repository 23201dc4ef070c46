// What a node takes from members about vaults: records and deletions, and what it refuses. Sources:
// src/server/routes/vaults.ts, src/ops/cluster/stored-records.ts, src/ops/cluster/ask-authority.ts. The node is a real one.
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { sha256Hex } from '../../src/core/hashes.js';
import type { StoreId, VaultId } from '../../src/core/ids.js';
import { privateKeyOfSeed, spkiOfSeed } from '../../src/core/seed-key.js';
import { isDisktroError } from '../../src/errors.js';
import { signJson } from '../../src/net/canonical-json.js';
import { PeerClient } from '../../src/net/peer-client.js';
import { signVaultRecord, type VaultRecord } from '../../src/net/vault-record.js';
import { NodeFiles } from '../../src/ops/cluster/node-files.js';
import { openNodeHome } from '../../src/ops/home/home.js';
import { TestCluster } from '../cluster/cluster.js';
import type { TestNode } from '../cluster/node.js';

const seed = Buffer.alloc(32, 1);
const stranger = Buffer.alloc(32, 2);
const vault = 'ab'.repeat(16) as VaultId;

function recordOf(fields: Partial<VaultRecord> = {}, by = seed) {
  const verify_key = spkiOfSeed(by).toString('base64');
  const record: VaultRecord = {
    v: 1,
    id: vault,
    verify_key,
    version: 1,
    vault_file: {},
    slots: [{}],
    ...fields,
  };
  return signVaultRecord(record, privateKeyOfSeed(by));
}

function orderOf(
  ids: readonly string[],
  { by = seed, ageMs = 0, of = vault as string, purpose = 'delete' } = {},
) {
  const order = { vault: of, ids, issued_ms: Date.now() - ageMs };
  return { ...order, signature: signJson(purpose, order, privateKeyOfSeed(by)) };
}

/** An object of a vault, as far as somebody without a key can tell. */
function objectOf(id: string): { readonly id: StoreId; readonly bytes: Buffer } {
  const bytes = Buffer.concat([Buffer.from('DSK1'), Buffer.from(id, 'hex'), randomBytes(100)]);
  return { id: sha256Hex(bytes) as StoreId, bytes };
}

/** Speaks to the first node as the second one. */
async function clientOf(from: TestNode, to: TestNode): Promise<{ client: PeerClient; self: string }> {
  const home = await openNodeHome({ home: from.home });
  try {
    const identity = await new NodeFiles(home).read();
    const client = new PeerClient({ addresses: [to.address], credentials: identity?.credentials });
    return { client, self: String(identity?.id) };
  } finally {
    await home.close();
  }
}

async function statusOf(work: Promise<unknown>): Promise<number> {
  try {
    await work;
    return 200;
  } catch (error) {
    if (isDisktroError(error)) return Number(error.details?.status);
    throw error;
  }
}

t.test('a member and a node', { timeout: 110_000 }, async (t) => {
  const cluster = await TestCluster.start(t, {
    nodes: 2,
    hasVault: false,
    env: { DISKTRO_REPAIR_GRACE: '3600', DISKTRO_DELETE_GRACE: '1' },
  });
  const [node, member] = [cluster.node(0), cluster.node(1)];
  const { client, self } = await clientOf(member, node);
  t.teardown(() => client.close());
  const put = (record: unknown, id = vault as string) =>
    statusOf(client.json('PUT', `/vault?id=${id}`, record as object));
  const order = (body: unknown) => statusOf(client.json('POST', '/delete', body));

  await t.test('no order is taken of a vault that is not known', async (t) => {
    t.equal(await order(orderOf([])), 403);
  });

  await t.test('the first record binds the key, later ones are newer and of that key', async (t) => {
    t.equal(await put(recordOf({ version: 5 })), 200);
    t.equal(await put(recordOf({ version: 5 })), 200, 'the same again');
    t.equal(await put(recordOf({ version: 5, slots: [{}, {}] })), 422, 'another one of that version');
    t.equal(await put(recordOf({ version: 4 })), 422, 'an older one');
    t.equal(await put(recordOf({ version: 6 }, stranger)), 422, 'one by another key');
    t.equal(await put(recordOf({ version: 6 }), 'cd'.repeat(16)), 422, 'under another name');
    t.equal(await put({ ...recordOf({ version: 6 }), version: 7 }), 422, 'a changed one');
    t.equal(await put(recordOf({ version: 6 }), '../../etc'), 400, 'no vault id');
    t.equal(await put({ ...recordOf(), junk: 'x'.repeat(70_000) }), 413, 'too long');
    t.equal(await put(recordOf({ version: 6 })), 200);
    t.match(await client.json('GET', '/vaults'), { vaults: { [vault]: 6 } });
    t.match(await client.json('GET', `/vault?id=${vault}`), { version: 6 });
    t.equal(await statusOf(client.json('GET', `/vault?id=${'0'.repeat(32)}`)), 404);
  });

  await t.test('a record reaches the members that lack it', async (t) => {
    await member.did('repair');
    const back = await clientOf(node, member);
    t.teardown(() => back.client.close());
    t.match(await back.client.json('GET', '/vaults'), { vaults: { [vault]: 6 } });
  });

  await t.test('only what the vault has signed just now is deleted, and only its own', async (t) => {
    const [mine, kept, others] = [objectOf(vault), objectOf(vault), objectOf('cd'.repeat(16))];
    for (const { id, bytes } of [mine, kept, others]) await client.putObject('chunk', id, bytes);
    const unknown = 'ef'.repeat(32);
    const ids = [mine.id, others.id, unknown];
    t.equal(await order(orderOf(ids, { by: stranger })), 403, 'another key');
    t.equal(await order({ ...orderOf(ids), ids: [kept.id] }), 403, 'other ids than were signed');
    t.equal(await order(orderOf(ids, { ageMs: 25 * 60 * 60 * 1000 })), 403, 'a day old');
    t.equal(await order(orderOf(ids, { ageMs: -11 * 60 * 1000 })), 403, 'from the future');
    t.equal(await order(orderOf(['../x'])), 400, 'an id that is none');
    t.equal(await order(orderOf(ids, { of: 'cd'.repeat(16) })), 403, "for another's vault");
    t.same(
      await client.lacking([mine.id, others.id]),
      { missing: [], deleted: [] },
      'nothing has happened so far',
    );
    t.same(await client.json('POST', '/delete', orderOf(ids)), { noted: 1, needed: [] });
    t.same(
      await client.lacking([mine.id, others.id]),
      { missing: [], deleted: [mine.id] },
      'no copy any more',
    );
    t.same(
      await client.json('POST', '/delete', orderOf(ids)),
      { noted: 0, needed: [] },
      'told again, nothing more',
    );
    t.equal(await statusOf(client.putObject('chunk', mine.id, mine.bytes)), 410, 'it is not taken again');
    t.equal(await client.putObject('chunk', others.id, others.bytes), 'had');
    for (let tries = 0; tries < 40 && (await client.headObject(mine.id)) !== undefined; tries++)
      await new Promise((resolve) => setTimeout(resolve, 200));
    t.equal(await client.headObject(mine.id), undefined, 'it is freed after the grace');
    t.ok(await client.headObject(kept.id));
    t.ok(await client.headObject(others.id));
  });

  await t.test('what the vault relies on anew is kept, and orders from before count no more', async (t) => {
    const [early, late] = [objectOf(vault), objectOf(vault)];
    for (const { id, bytes } of [early, late]) await client.putObject('chunk', id, bytes);
    const keep = (given: unknown) => statusOf(client.json('POST', '/keep', given));
    const ids = [early.id];
    const overheard = orderOf([early.id, late.id]);
    t.equal(await keep(orderOf(ids, { purpose: 'keep', by: stranger })), 403, 'another key');
    t.equal(await keep(orderOf(ids)), 403, 'signed to be deleted');
    t.equal(await keep(orderOf(ids, { purpose: 'keep', ageMs: 25 * 60 * 60 * 1000 })), 403, 'a day old');
    t.equal(await keep(orderOf(['../x'], { purpose: 'keep' })), 400, 'an id that is none');
    t.same(await client.json('POST', '/delete', orderOf(ids)), { noted: 1, needed: [] });
    t.same(await client.json('POST', '/keep', orderOf(ids, { purpose: 'keep' })), { kept: 1 });
    t.same(await client.lacking(ids), { missing: [], deleted: [] }, 'a copy again');
    t.same(await client.json('POST', '/delete', overheard), { noted: 1, needed: [] }, 'only the other one');
    for (let tries = 0; tries < 40 && (await client.headObject(late.id)) !== undefined; tries++)
      await new Promise((resolve) => setTimeout(resolve, 200));
    t.equal(await client.headObject(late.id), undefined, 'the other is freed');
    t.ok(await client.headObject(early.id), 'and this one is not');
    t.same(await client.json('POST', '/keep', orderOf([late.id], { purpose: 'keep' })), { kept: 1 });
    t.equal(await client.putObject('chunk', late.id, late.bytes), 'new', 'what was freed is taken in again');
  });

  await t.test("the cluster's key goes to the first vault that asks, and to nobody else", async (t) => {
    const ask = (fields: { of?: string; by?: Buffer; as?: string; ageMs?: number } = {}) => {
      const { of = vault, by = seed, as = self, ageMs = 0 } = fields;
      const body = { vault: of, node: as, issued_ms: Date.now() - ageMs };
      const signature = signJson('authority', body, privateKeyOfSeed(by));
      return client.json('POST', '/authority', { ...body, signature });
    };
    const second = 'cd'.repeat(16);
    t.equal(await put(recordOf({ id: second as VaultId }, stranger), second), 200);
    t.equal(await statusOf(ask({ by: stranger })), 403, 'another key');
    t.equal(await statusOf(ask({ as: 'somebody' })), 403, 'signed for another node');
    t.equal(await statusOf(ask({ ageMs: 11 * 60 * 1000 })), 403, 'old');
    t.equal(await statusOf(ask({ of: 'ef'.repeat(16) })), 403, 'an unknown vault');
    t.match(await ask(), { key: /BEGIN PRIVATE KEY/ });
    t.equal(await statusOf(ask({ of: second, by: stranger })), 403, 'a second vault');
    t.match(await ask(), { key: /BEGIN PRIVATE KEY/ }, 'the first one again');
  });

  await t.test('who has no certificate is told nothing', async (t) => {
    const nobody = new PeerClient({ addresses: [node.address], credentials: undefined });
    t.teardown(() => nobody.close());
    for (const path of ['/vaults', `/vault?id=${vault}`, '/manifests?vault=x'])
      t.equal(await statusOf(nobody.json('GET', path)), 403);
    t.equal(await statusOf(nobody.json('POST', '/delete', orderOf([]))), 403);
    const invite = { v: 1, invite: '0'.repeat(64), csr: 'x', proof: '0'.repeat(64) };
    t.equal(await statusOf(nobody.json('POST', '/register', invite)), 403, 'an invite that is none');
    const made = nobody.json('POST', '/recover', { v: 1, vault: '0'.repeat(32) });
    const again = nobody.json('POST', '/recover', { v: 1, vault: '0'.repeat(32) });
    t.match(await made, { slots: [{ opslimit: 3, memlimit: 67_108_864 }] });
    t.same(await made, await again, 'a vault that is not there always has the same slot');
    t.equal(await statusOf(nobody.json('POST', '/recover', { v: 1, claim: 'xx' })), 400);
    t.equal(await statusOf(nobody.json('POST', '/recover', { v: 1, claim: '0'.repeat(32) })), 403);
  });
});
