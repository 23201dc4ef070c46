// docs/openapi.yaml held against live nodes: every route stands in it, every answer it names is provoked, and every
// answer is as it says. Sources: src/server/routes.ts, src/server/routes/, src/server/api/, src/server/json-body.ts.
import { appendFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { allRoutes } from '../../../src/server/routes.js';
import { emptyPlace, PASSWORD } from '../../cli/place.js';
import { TestNode, until } from '../../cluster/node.js';
import { sampleBytes } from '../../ops/sample-bytes.js';
import { type Answer, ApiNode, type Asked, form, startApi } from './api-node.js';
import { Contract } from './contract.js';
import { registered } from './contract-register.js';
import { treesOut } from './contract-trees.js';
import { startOnFullDisk } from './full-disk.js';

// Real nodes, and machines that are busy with other tests.
t.setTimeout(600_000);

const contract = new Contract();
const NO_FILE = 'ab'.repeat(32);
/** Refused by its length, before any of it has come. */
const TOO_LONG = { headers: { 'content-length': '2000000' } };
const WRONG = { 'x-disktro-password': 'not the password' };

/** Asks, and holds the answer against the document. */
async function see(
  t: Test,
  node: ApiNode,
  [method, path, status]: readonly [string, string, number],
  { query = '', ...asked }: Asked & { readonly query?: string } = {},
): Promise<Answer> {
  const answer = await node.ask(method, path + query, asked);
  t.equal(
    answer.status,
    status,
    `${method} ${path}${query.slice(0, 40)} is ${status}: ${answer.text.slice(0, 200)}`,
  );
  t.equal(contract.complaint(method, path, answer), undefined, 'as documented');
  return answer;
}

t.test('every route of the table stands in docs/openapi.yaml, and no other', async (t) => {
  // No handler runs here: the table is all that is looked at.
  const nothing = new Proxy({}, { get: () => nothing }) as never;
  const table = allRoutes(nothing, nothing).map(({ method, path, audience }) => ({ method, path, audience }));
  const documented = contract.routes();
  const shown = ({ method, path }: { method: string; path: string }): string => `${method} ${path}`;
  t.same(documented.map(shown).sort(), table.map(shown).sort());
  const free = table.filter(({ audience }) => audience === 'anyone' || audience === 'page').map(shown);
  t.same(
    documented
      .filter(({ isFree }) => isFree)
      .map(shown)
      .sort(),
    free.sort(),
  );
});

t.test('every documented answer is given, and is as documented', async (t) => {
  const attic = await startApi(t, { words: ['--output-dir', '.'] });
  const other = new TestNode({ name: 'barn', place: emptyPlace(t) });
  t.teardown(async () => void (other.isUp && (await other.kill())));
  await other.serve();
  const barn = new ApiNode(other);
  await withoutToken(t, attic);
  await beforeAnyFile(t, attic, barn);
  await attic.unlock();
  const id = await filesIn(t, attic);
  await filesOut(t, attic, id);
  await treesOut(t, attic, id, see);
  await network(t, attic, barn);
  await peers(t, attic, barn, id);
  await lateAnswers(t, attic, barn, id);
  await copiesAndSpace(t);
  const elsewhere = ['GET /assets/* 200', 'GET /assets/* 304']; // page.test.ts: they need a page that is built
  t.same(
    contract.unseen().filter((each) => !elsewhere.includes(each)),
    [],
    'nothing is documented that is not given',
  );
});

async function withoutToken(t: Test, node: ApiNode): Promise<void> {
  for (const { method, path, isFree } of contract.routes()) {
    if (!isFree) await see(t, node, [method, path, 401], { token: null });
  }
  await see(t, node, ['GET', '/', 421], { headers: { host: 'evil.example' } });
  const { headers } = await see(t, node, ['GET', '/', 200], { token: null });
  await see(t, node, ['GET', '/', 304], { headers: { 'if-none-match': String(headers.etag) } });
  contractOfAssets(t, await node.ask('GET', '/assets/no-such.js', { token: null }));
  await see(t, node, ['GET', '/ping', 200], { token: null });
}

function contractOfAssets(t: Test, answer: Answer): void {
  t.equal(answer.status, 404);
  t.equal(contract.complaint('GET', '/assets/*', answer), undefined);
}

async function beforeAnyFile(t: Test, attic: ApiNode, barn: ApiNode): Promise<void> {
  const json = { password: 'x' };
  await see(t, barn, ['POST', '/api/unlock', 404], { json });
  await see(
    t,
    barn,
    ['POST', '/api/chunk', 404],
    form({ fields: json, file: { name: 'a', bytes: Buffer.from('a') } }),
  );
  await see(t, barn, ['GET', '/drain', 404]);
  await see(t, barn, ['POST', '/drain', 404]);
  await see(t, barn, ['DELETE', '/drain', 404]);
  await see(t, barn, ['POST', '/register', 200], { json: {} });
  await see(t, barn, ['POST', '/exchange', 404], { json: {} });
  await see(t, attic, ['POST', '/api/unlock', 400], { json: { pasword: 'x' } });
  await see(t, attic, ['POST', '/api/unlock', 409], { json: { password: 'x', create: true } });
  await see(t, attic, ['POST', '/api/unlock', 413], TOO_LONG);
  await see(t, attic, ['POST', '/api/unlock', 403], { json: { password: 'not the password' } });
  await see(t, attic, ['GET', '/api/entries', 403], { query: `?id=${NO_FILE}`, headers: WRONG });
  await see(t, attic, ['POST', '/api/unlock', 200], { json: { password: attic.secret } });
  for (const path of [
    '/api/status',
    '/api/peers',
    '/api/buckets',
    '/api/log',
    '/metrics',
    '/peers',
    '/vaults',
  ] as const) {
    await see(t, attic, ['GET', path, 200]);
  }
  // The stream has no end, and its own tests; here its head is looked at.
  const head = await attic.ask('HEAD', '/api/events');
  t.equal(contract.complaint('GET', '/api/events', head), undefined);
}

async function filesIn(t: Test, node: ApiNode): Promise<string> {
  const bytes = sampleBytes('contract', 300_000);
  const file = { name: 'holiday.tar', bytes };
  const stored = await see(
    t,
    node,
    ['POST', '/api/chunk', 201],
    form({ fields: { tags: 'a, b' }, file, late: { replicas: '1' } }),
  );
  t.match(stored.json.data, { name: 'holiday.tar', size: 300_000, tags: ['a', 'b'], replicas: 3 });
  t.same(stored.json.data.copies, { wanted: 3, confirmed: 1 }, 'one was awaited, three are wanted');
  const beyond = await see(t, node, ['POST', '/api/chunk', 400], form({ fields: { replicas: '4' }, file }));
  t.match(beyond.json.message, /^replicas: expected a number from 1 to 3 /);
  await see(t, node, ['POST', '/api/chunk', 400], form({ fields: { replicas: '0' }, file }));
  await see(t, node, ['POST', '/api/chunk', 403], {
    ...form({ fields: { password: 'wrong' }, file }),
    session: '',
  });
  await see(t, node, ['POST', '/api/chunk', 413], form({ fields: { tags: 'x'.repeat(70_000) }, file }));
  await see(t, node, ['POST', '/api/chunk', 415], { json: {} });
  await see(t, node, ['GET', '/api/files', 200]);
  await see(t, node, ['GET', '/api/files', 200], { query: '?summary=1' });
  const id = String(stored.json.data.id);
  await see(t, node, ['GET', '/api/files', 200], { query: `?id=${id}` });
  await see(t, node, ['GET', '/api/files', 200], { query: `?id=${id}`, session: '' });
  await see(t, node, ['GET', '/api/files', 400], { query: '?summary=yes' });
  await see(t, node, ['GET', '/api/files', 403], { headers: WRONG });
  await see(t, node, ['GET', '/api/files', 404], { query: `?id=${NO_FILE}` });
  await see(t, node, ['GET', '/api/peers', 200], { query: '?full=1' });
  return id;
}

async function filesOut(t: Test, node: ApiNode, id: string): Promise<void> {
  const locked = { session: '' };
  // A right password that is not remembered yet begins the count of wrong ones anew.
  await see(t, node, ['POST', '/api/unlock', 200], { json: { password: PASSWORD } });
  const into = (outputPath: string, fileId = id) => ({ json: { fileId, outputPath } });
  await see(t, node, ['POST', '/api/reassemble', 200], into('back.tar'));
  await see(t, node, ['POST', '/api/reassemble', 400], into('../back.tar'));
  await see(t, node, ['POST', '/api/reassemble', 401], { ...into('new.tar'), ...locked });
  await see(t, node, ['POST', '/api/reassemble', 403], {
    json: { fileId: id, outputPath: 'n', password: 'wrong' },
  });
  await see(t, node, ['POST', '/api/reassemble', 404], into('new.tar', NO_FILE));
  await see(t, node, ['POST', '/api/reassemble', 409], into('back.tar'));
  await see(t, node, ['POST', '/api/reassemble', 413], TOO_LONG);
  const query = `?id=${id}`;
  await see(t, node, ['GET', '/api/download', 200], { query });
  await see(t, node, ['GET', '/api/download', 206], { query, headers: { range: 'bytes=10-19' } });
  const { etag } = (await node.ask('HEAD', `/api/download${query}`)).headers;
  await see(t, node, ['GET', '/api/download', 304], { query, headers: { 'if-none-match': `"x", ${etag}` } });
  await see(t, node, ['GET', '/api/download', 400]);
  await see(t, node, ['GET', '/api/download', 401], { query, ...locked });
  await see(t, node, ['GET', '/api/download', 403], { query, headers: WRONG });
  await see(t, node, ['GET', '/api/download', 404], { query: `?id=${NO_FILE}` });
  await see(t, node, ['GET', '/api/download', 416], { query, headers: { range: 'bytes=300000-' } });
  const far = { range: `bytes=${'9'.repeat(40)}-` };
  await see(t, node, ['GET', '/api/download', 416], { query, headers: far });
  const json = { fileId: id };
  await see(t, node, ['POST', '/api/tickets', 201], { json });
  await see(t, node, ['POST', '/api/tickets', 400], { json: {} });
  await see(t, node, ['POST', '/api/tickets', 401], { json, ...locked });
  await see(t, node, ['POST', '/api/tickets', 403], { json: { fileId: id, password: 'wrong' } });
  await see(t, node, ['POST', '/api/tickets', 404], { json: { fileId: NO_FILE } });
  await see(t, node, ['POST', '/api/verify', 200], { json });
  await see(t, node, ['POST', '/api/verify', 400], { json: { fileId: 7 } });
  await see(t, node, ['POST', '/api/verify', 401], { json, ...locked });
  await see(t, node, ['POST', '/api/verify', 404], { json: { fileId: NO_FILE } });
}

async function network(t: Test, attic: ApiNode, barn: ApiNode): Promise<void> {
  await see(t, attic, ['POST', '/api/invite', 400], { json: { address: 'not an address' } });
  const { json } = await see(t, attic, ['POST', '/api/invite', 200]);
  const dead = await attic.ask('POST', '/api/invite', { json: { address: '127.0.0.1:1' } });
  await see(t, barn, ['POST', '/api/join', 400], { json: { invite: 'hello' } });
  await see(t, barn, ['POST', '/api/join', 502], { json: { invite: dead.json.data.invite } });
  await see(t, barn, ['POST', '/api/join', 200], { json: { invite: json.data.invite } });
  await until('both know each other', async () => {
    const [one, two] = await Promise.all([attic, barn].map((node) => node.ask('GET', '/api/peers')));
    return one?.json.data.length === 2 && two?.json.data.length === 2;
  });
  await see(t, attic, ['GET', '/api/peers', 200]);
  await see(t, barn, ['POST', '/api/join', 409], { json: { invite: json.data.invite } });
  const { json: refused } = await see(t, barn, ['POST', '/api/invite', 409]);
  t.match(refused, { code: 'E_PEER_REFUSED', hint: /on the machine that the cluster began on/ });
  t.equal((await barn.ask('GET', '/api/status')).json.data.mayInvite, false);
  t.equal((await attic.ask('GET', '/api/status')).json.data.mayInvite, true);
  await see(t, attic, ['POST', '/api/whatif', 200], { json: { nodes: ['barn'] } });
  await see(t, attic, ['POST', '/api/whatif', 400], { json: { nodes: 'barn' } });
  const all = await see(t, attic, ['GET', '/api/buckets', 200]);
  // Copies may be on their way to the other node, or there: without both there is none.
  const both = all.json.data.nodes.map((node: { id: string }) => node.id).join(',');
  const left = await see(t, attic, ['GET', '/api/buckets', 200], { query: `?lose=${both}` });
  t.equal(all.json.data.copies[0], 0);
  t.ok(left.json.data.copies[0] > 0, 'without both nodes nothing has a copy');
  await see(t, attic, ['GET', '/api/buckets', 404], { query: '?lose=nobody' });
  await see(t, attic, ['POST', '/api/whatif', 404], { json: { nodes: ['no such node'] } });
}

async function peers(t: Test, attic: ApiNode, barn: ApiNode, id: string): Promise<void> {
  const object = await see(t, attic, ['GET', '/chunk', 200], { query: `?id=${id}` });
  await see(t, attic, ['GET', '/chunk', 206], { query: `?id=${id}`, headers: { range: 'bytes=0-9' } });
  await see(t, attic, ['GET', '/chunk', 304], {
    query: `?id=${id}`,
    headers: { 'if-none-match': `"${id}"` },
  });
  await see(t, attic, ['GET', '/chunk', 400], { query: '?id=x' });
  await see(t, attic, ['GET', '/chunk', 404], { query: `?id=${NO_FILE}` });
  await see(t, attic, ['GET', '/chunk', 416], { query: `?id=${id}`, headers: { range: 'bytes=999999-' } });
  const put = (given: string, body: Uint8Array) => ({ query: `?id=${given}&kind=manifest`, body });
  const fresh = await startApi(t);
  await see(t, fresh, ['PUT', '/chunk', 201], put(id, object.bytes));
  await see(t, fresh, ['PUT', '/chunk', 200], put(id, object.bytes));
  await see(t, barn, ['PUT', '/chunk', 400], put('x', object.bytes));
  await see(t, barn, ['PUT', '/chunk', 422], put(NO_FILE, object.bytes));
  const short = await see(t, barn, ['PUT', '/chunk', 422], put(NO_FILE, Buffer.from('13 bytes here')));
  t.match(short.json.error.message, /expected \d{2} to \d+ bytes, got 13/);
  await see(t, barn, ['PUT', '/chunk', 413], {
    query: `?id=${NO_FILE}`,
    headers: { 'content-length': '999999999' },
  });
  await see(t, attic, ['POST', '/exchange', 200], {
    json: { seqs: {}, removed: [], records: [], removals: [] },
  });
  await see(t, attic, ['POST', '/exchange', 400], { body: '[' });
  await see(t, attic, ['POST', '/chunks/missing', 200], { json: { ids: [id, NO_FILE] } });
  await see(t, attic, ['POST', '/chunks/prove', 200], { json: { nonce: 'ab'.repeat(16), ranges: [] } });
  const vault = String((await attic.ask('GET', '/api/status')).json.data.vaultId);
  await see(t, attic, ['GET', '/manifests', 200], { query: `?vault=${vault}` });
  await see(t, attic, ['GET', '/manifests', 400], { query: '?vault=x' });
  await see(t, attic, ['GET', '/digests', 200]);
  await see(t, attic, ['GET', '/digests', 200], { query: '?group=0&last=4095' });
  for (const query of ['?group=x', '?group=4096', '?group=5&last=4', '?group=5&last=4096', '?group=5&last=x'])
    await see(t, attic, ['GET', '/digests', 400], { query });
  const bad = { json: { nothing: 'of the kind' } };
  for (const path of [
    '/chunk-transfer',
    '/chunks/missing',
    '/chunks/prove',
    '/delete',
    '/keep',
    '/recover',
    '/authority',
  ]) {
    await see(t, attic, ['POST', path, 400], bad);
  }
  await see(t, attic, ['POST', '/register', 400], { json: { invite: 'x' } });
  await registered(t, attic, see);
  await uploads(t, attic, id);
  const order = { vault, ids: [id], issued_ms: Date.now(), signature: 'x' };
  for (const path of ['/delete', '/keep']) await see(t, attic, ['POST', path, 403], { json: order });
  const { ids: _, ...claim } = order;
  await see(t, attic, ['POST', '/authority', 403], { json: { ...claim, node: 'x' } });
  await vaultRecords(t, [attic, barn, fresh], vault);
  await fresh.node.kill();
  await see(t, barn, ['GET', '/drain', 200]);
}

async function uploads(t: Test, attic: ApiNode, id: string): Promise<void> {
  const put = (peerAddress: string, fileId = id) => ({ json: { fileId, peerAddress } });
  const file = { name: 'for barn', bytes: sampleBytes('upload', 100_000) };
  await see(t, attic, ['POST', '/api/upload', 200], put('barn'));
  await see(t, attic, ['POST', '/api/upload', 200], form({ file, late: { peerAddress: 'barn' } }));
  await see(t, attic, ['POST', '/api/upload', 400], form({ file }));
  await see(t, attic, ['POST', '/api/upload', 401], { ...put('barn'), session: '' });
  await see(t, attic, ['POST', '/api/upload', 403], put('127.0.0.1:1'));
  await see(t, attic, ['POST', '/api/upload', 404], put('barn', NO_FILE));
  await see(
    t,
    attic,
    ['POST', '/api/upload', 413],
    form({ fields: { peerAddress: 'x'.repeat(70_000) }, file }),
  );
  await see(t, attic, ['POST', '/api/upload', 415], { body: 'x' });
}

async function vaultRecords(
  t: Test,
  [attic, barn, fresh]: readonly [ApiNode, ApiNode, ApiNode],
  vault: string,
): Promise<void> {
  await until(
    'the record is there',
    async () => (await barn.ask('GET', `/vault?id=${vault}`)).status === 200,
  );
  const record = await see(t, barn, ['GET', '/vault', 200], { query: `?id=${vault}` });
  await see(t, attic, ['GET', '/vault', 400], { query: '?id=x' });
  await see(t, attic, ['GET', '/vault', 404], { query: `?id=${'ab'.repeat(16)}` });
  await see(t, barn, ['PUT', '/vault', 200], { query: `?id=${vault}`, json: record.json });
  await see(t, barn, ['PUT', '/vault', 400], { query: '?id=x', json: {} });
  await see(t, barn, ['PUT', '/vault', 422], {
    query: `?id=${vault}`,
    json: { ...record.json, version: 99 },
  });
  await see(t, fresh, ['PUT', '/vault', 201], { query: `?id=${vault}`, json: record.json });
}

async function lateAnswers(t: Test, attic: ApiNode, barn: ApiNode, id: string): Promise<void> {
  await see(t, barn, ['POST', '/drain', 200]);
  const statusOnAttic = async () => (await attic.ask('GET', '/api/peers')).json.data[0].status;
  await until('attic hears of it', async () => (await statusOnAttic()) === 'draining');
  t.match(await barn.node.did('peers'), /this node, draining/);
  await see(t, barn, ['DELETE', '/drain', 200]);
  await until('attic hears that it is over', async () => (await statusOnAttic()) === 'online');
  await barn.node.kill();
  const left = await attic.chunk('not on barn', sampleBytes('late', 50_000), { replicas: '1' });
  const put = { json: { fileId: left.json.data.id, peerAddress: 'barn' } };
  await see(t, attic, ['POST', '/api/upload', 502], put);
  await see(t, attic, ['DELETE', '/api/files', 400], { query: '?id=latest' });
  await see(t, attic, ['DELETE', '/api/files', 401], { query: `?id=${id}`, session: '' });
  await see(t, attic, ['DELETE', '/api/files', 403], { query: `?id=${id}`, headers: WRONG });
  await see(t, attic, ['DELETE', '/api/files', 404], { query: `?id=${NO_FILE}` });
  await see(t, attic, ['POST', '/api/verify', 403], { json: {}, headers: WRONG });
  appendFileSync(attic.node.objectFile(id), 'x');
  await see(t, attic, ['POST', '/api/verify', 422], { json: { fileId: id } });
  await see(t, attic, ['DELETE', '/api/files', 200], { query: `?id=${id}` });
  await tooManyPasswords(t, attic, id);
  await see(t, attic, ['POST', '/api/lock', 200]);
}

async function tooManyPasswords(t: Test, node: ApiNode, fileId: string): Promise<void> {
  while ((await node.ask('GET', '/api/files', { headers: WRONG })).status === 403);
  const query = `?id=${fileId}`;
  const asked = { headers: WRONG };
  const first = await see(t, node, ['POST', '/api/unlock', 429], { json: { password: 'wrong' } });
  t.ok(Number(first.headers['retry-after']) > 0, 'says when to try again');
  const file = { name: 'a', bytes: Buffer.from('a') };
  await see(t, node, ['POST', '/api/chunk', 429], {
    ...form({ fields: { password: 'wrong' }, file }),
    session: '',
  });
  await see(t, node, ['POST', '/api/upload', 429], { json: { fileId, peerAddress: 'barn' }, ...asked });
  await see(t, node, ['POST', '/api/reassemble', 429], { json: { fileId, outputPath: 'n' }, ...asked });
  await see(t, node, ['POST', '/api/tickets', 429], { json: { fileId }, ...asked });
  await see(t, node, ['POST', '/api/verify', 429], { json: { fileId }, ...asked });
  await see(t, node, ['GET', '/api/files', 429], asked);
  await see(t, node, ['GET', '/api/entries', 429], { query, ...asked });
  await see(t, node, ['DELETE', '/api/files', 429], { query, ...asked });
  await see(t, node, ['GET', '/api/download', 429], { query, ...asked });
  const right = { headers: { 'x-disktro-password': PASSWORD } };
  await see(t, node, ['GET', '/api/files', 429], right);
  t.equal((await node.ask('GET', '/api/files')).status, 200, 'an open session goes on');
}

async function copiesAndSpace(t: Test): Promise<void> {
  const alone = await startApi(t, { env: { DISKTRO_MIN_REPLICAS: '2' } });
  await alone.unlock();
  const file = { name: 'a', bytes: Buffer.from('one copy') };
  await see(t, alone, ['POST', '/api/chunk', 503], form({ file }));
  await alone.node.kill();
  const full = await startOnFullDisk(t, 48);
  if (full === undefined) {
    t.comment('mounting is not allowed here: 507 is not provoked');
    contract.complaint('POST', '/api/chunk', { status: 507 } as Answer);
    return;
  }
  await full.unlock();
  const large = form({ file: { name: 'large', bytes: sampleBytes('large', 60 * 1024 * 1024) } });
  await see(t, full, ['POST', '/api/chunk', 507], large);
  const { json } = await full.ask('GET', '/api/files');
  t.same(json.data, [], 'nothing is listed');
}
