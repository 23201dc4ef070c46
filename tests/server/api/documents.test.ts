// The curl lines of docs/API.md, run as they stand, and docs/grafana.json against what /metrics really tells.
// Sources: docs/API.md, docs/grafana.json, src/server/metrics.ts, src/server/api/measures.ts.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROOT } from '../../cli/command.js';
import { emptyPlace, PASSWORD } from '../../cli/place.js';
import { TestNode, until } from '../../cluster/node.js';
import { ApiNode, startApi } from './api-node.js';
import { Contract } from './contract.js';

// Real nodes, and machines that are busy with other tests.
t.setTimeout(600_000);

const text = readFileSync(join(ROOT, 'docs/API.md'), 'utf8');
const script = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, lines]) => lines).join('\n');

function bash(
  source: string,
  cwd: string,
  env: Record<string, string>,
): Promise<{ status: number; told: string }> {
  const child = spawn('bash', ['-euo', 'pipefail', '-x', '-c', source], {
    cwd,
    env: { PATH: `${cwd}/bin:${process.env.PATH}`, ...env },
  });
  let told = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      told += part.toString();
    });
  }
  return new Promise((resolve) => child.on('close', (status) => resolve({ status: status ?? 1, told })));
}

t.test('every line of docs/API.md does what it says', async (t) => {
  const attic = await startApi(t);
  const barn = new TestNode({ name: 'barn', place: emptyPlace(t) });
  t.teardown(async () => void (barn.isUp && (await barn.kill())));
  await barn.serve();
  const invite = await attic.ask('POST', '/api/invite');
  const joined = await new ApiNode(barn).ask('POST', '/api/join', {
    json: { invite: invite.json.data.invite },
  });
  t.equal(joined.status, 200);
  await until('attic knows barn', async () => (await attic.ask('GET', '/api/peers')).json.data.length === 2);
  writeFileSync(attic.place.path('letter.txt'), 'Dear Ada,\nall is well.\n');
  mkdirSync(attic.place.path('bin'));
  symlinkSync(join(ROOT, 'bin/disktro.js'), attic.place.path('bin/disktro'));
  const env = { DISKTRO_HOME: attic.place.home, PORT: String(attic.node.port), PASSWORD };
  const { status, told } = await bash(script, attic.place.cwd, env);
  t.equal(status, 0, told.slice(-1500));
  for (const name of ['letter.back', 'letter.restored', 'letter.linked']) {
    t.equal(attic.place.read(name).toString(), 'Dear Ada,\nall is well.\n', name);
  }
  t.equal(attic.place.read('letter.end').toString(), 'da,\nall is well.\n');
  t.equal(attic.place.read('may.back').toString(), 'Dear Ada,\nall is well.\n', 'out of a folder');
  t.equal(attic.place.read('letters.restored/2024/may.txt').toString(), 'Dear Ada,\nall is well.\n');
  t.match(told, /"placement":\[/);
  t.match(told, /"path":"2024\/may\.txt","type":"file"/);
  t.match(told, /event: status/);
  t.match(told, /"removed":\["[0-9a-f]{64}"\]/);
});

t.test('docs/API.md shows every route of the API', async (t) => {
  for (const { path } of new Contract().routes()) {
    if (path.startsWith('/api/')) t.ok(text.includes(path), path);
  }
});

t.test('the dashboard shows metrics that there are, and all of ours', async (t) => {
  const node = await startApi(t);
  await node.unlock();
  await node.chunk('a', Buffer.from('a'));
  await node.ask('POST', '/api/verify', { json: {} });
  const { text: told, headers } = await node.ask('GET', '/metrics');
  t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
  const names = new Set([...told.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name ?? ''));
  const dashboard = readFileSync(join(ROOT, 'docs/grafana.json'), 'utf8');
  const used = new Set(
    [...dashboard.matchAll(/disktro_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, '')),
  );
  t.same(
    [...used].filter((name) => !names.has(name)),
    [],
    'it asks for nothing that there is not',
  );
  t.same(
    [...names].filter((name) => !used.has(name)),
    [],
    'and leaves nothing out',
  );
  const value = (line: string): number => Number(new RegExp(`^${line} (\\S+)$`, 'm').exec(told)?.[1]);
  t.equal(value('disktro_files'), 1);
  t.equal(value('disktro_objects'), 2);
  t.equal(value('disktro_degraded_objects'), 2, 'alone, nothing has three copies');
  t.ok(Math.abs(value('disktro_last_chunk_timestamp_seconds') - Date.now() / 1000) < 60);
  t.ok(Math.abs(value('disktro_last_verify_timestamp_seconds') - Date.now() / 1000) < 60);
  t.match(told, /disktro_request_seconds_count\{method="POST",route="\/api\/chunk",status="201"\} 1/);
  const before = names.size;
  for (let index = 0; index < 50; index++) await node.ask('GET', `/api/no-such-${index}`);
  const after = await node.ask('GET', '/metrics');
  t.equal([...after.text.matchAll(/^# TYPE /gm)].length, before);
  t.notMatch(after.text, /no-such/, 'a path that is asked for makes no series');
});
