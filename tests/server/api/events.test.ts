// What listeners are told, in which order, how fast, and what they get when they come back.
// Sources: src/server/api/events.ts, news.ts, tasks.ts.
import { randomUUID } from 'node:crypto';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import t, { type Test } from 'tap';
import { type EventLimits, Events } from '../../../src/server/api/events.js';
import { until } from '../../cluster/node.js';
import { sampleBytes } from '../../ops/sample-bytes.js';
import { type ApiNode, type Asked, fileHead, form, formEnd, formHeaders, startApi } from './api-node.js';

// Real nodes, and machines that are busy with other tests.
t.setTimeout(600_000);

interface Told {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: judged by the test.
  readonly data: any;
}

/** A listener that reads what comes. */
class Listener {
  readonly told: Told[] = [];
  comments = 0;
  isEnded = false;
  readonly response: IncomingMessage;
  #rest = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (part: string) => this.#take(part));
    response.on('error', () => {});
    response.on('close', () => {
      this.isEnded = true;
    });
  }

  of(event: string): Told[] {
    return this.told.filter((each) => each.event === event);
  }

  #take(part: string): void {
    const blocks = (this.#rest + part).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      if (block.startsWith(':')) this.comments++;
      else
        this.told.push({
          id: field('id'),
          event: field('event'),
          data: JSON.parse(field('data')),
        });
    }
  }
}

function listen(port: number, headers: Record<string, string>): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/api/events', headers, agent: false };
    get(options, (response) => resolve(new Listener(response))).on('error', reject);
  });
}

const listenTo = (node: ApiNode, headers: Record<string, string> = {}): Promise<Listener> =>
  listen(node.node.port, {
    authorization: `Bearer ${node.token}`,
    ...(node.session === undefined ? {} : { 'x-disktro-session': node.session }),
    ...headers,
  });

async function serveEvents(
  t: Test,
  limits: Partial<EventLimits>,
): Promise<{ events: Events; hear: (lastId?: string) => Promise<Listener> }> {
  const events = new Events(limits);
  const server: Server = createServer((request, response) => {
    const { 'last-event-id': lastId } = request.headers;
    void events.serve(response, { lastId: lastId as string | undefined, hasNames: () => false }, []);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    events.close();
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { events, hear: (lastId) => listen(port, lastId === undefined ? {} : { 'last-event-id': lastId }) };
}

t.test(
  'an upload is told as it runs: the task to its end, then the file, with its name for who may know',
  async (t) => {
    const node = await startApi(t);
    const locked = await listenTo(node);
    await node.unlock();
    const open = await listenTo(node);
    const task = randomUUID();
    const stored = form({ file: { name: 'told.bin', bytes: sampleBytes('told', 3_000_000) } });
    const answer = await node.ask('POST', '/api/chunk', {
      ...stored,
      headers: { ...stored.headers, 'x-disktro-task': task },
    });
    t.equal(answer.status, 201);
    const { id } = answer.json.data;
    await until('the file is told', () => [open, locked].every((each) => each.of('files').length > 0));
    const tasks = open.of('task').map(({ data }) => data);
    t.ok(tasks.every((each) => each.task === task && each.kind === 'chunk'));
    t.ok(locked.of('task').length > 0, 'who has no password is told that there is work');
    t.notMatch(JSON.stringify(locked.told), /told\.bin/, 'but no name');
    t.match(tasks.at(-1), { state: 'done', name: 'told.bin', bytes: 3_000_000, totalBytes: 3_000_000 });
    t.match(open.of('files')[0]?.data, { changed: [{ id, name: 'told.bin', size: 3_000_000 }], removed: [] });
    t.match(locked.of('files')[0]?.data, { changed: [{ id, name: null, size: null }], removed: [] });
    await node.ask('DELETE', `/api/files?id=${id}`);
    await until('its end is told', () => open.of('files').some(({ data }) => data.removed.includes(id)));
    t.ok(open.of('status').length > 1, 'the state has changed meanwhile');
  },
);

t.test('a file that another process stores is told too, and the log', async (t) => {
  const node = await startApi(t);
  const listener = await listenTo(node);
  node.place.write('elsewhere.txt', 'stored by a command');
  const id = await node.node.did('chunk', 'elsewhere.txt');
  await until('it is told', () => listener.of('files').some(({ data }) => data.changed[0]?.id === id));
  await node.ask('POST', '/api/unlock', { json: { password: 'wrong' } });
  await until('the log tells', () =>
    listener.of('log').some(({ data }) => /unlock/.test(JSON.stringify(data))),
  );
});

t.test('work under way has a name only for who has opened the vault', async (t) => {
  const node = await startApi(t);
  await node.unlock();
  const stream = new PassThrough();
  stream.write(fileHead('secret name.bin'));
  stream.write(sampleBytes('slow', 2_000_000));
  const sent = node.ask('POST', '/api/chunk', { body: stream, headers: formHeaders() });
  const status = async (asked: Asked) => (await node.ask('GET', '/api/status', asked)).json.data;
  await until('it runs', async () => (await status({})).tasks[0]?.state === 'running');
  t.equal((await status({})).tasks[0].name, 'secret name.bin');
  t.equal((await status({ session: '' })).tasks[0].name, null);
  const byPassword = { session: '', headers: { 'x-disktro-password': node.secret } };
  t.equal((await status(byPassword)).tasks[0].name, 'secret name.bin');
  const listener = await listenTo(node, { 'x-disktro-session': 'ab'.repeat(32) });
  await until('the state is told', () => listener.of('status').length > 0);
  t.equal(listener.of('status')[0]?.data.tasks[0].name, null);
  stream.end(formEnd());
  t.equal((await sent).status, 201);
  t.notMatch(JSON.stringify(listener.told), /secret name/);
});

t.test('an upload that fails or is cancelled is told as such', async (t) => {
  const node = await startApi(t);
  await node.unlock();
  const listener = await listenTo(node);
  await node.ask(
    'POST',
    '/api/chunk',
    form({ file: { name: 'a', bytes: Buffer.from('a') }, late: { replicas: 'x' } }),
  );
  await until('it has failed', () => listener.of('task').some(({ data }) => data.state === 'failed'));
  t.match(listener.of('task').at(-1)?.data, { state: 'failed', code: 'E_USAGE', message: /^replicas: / });
});

t.test(
  'at most ten messages a second, of several about one thing the last, and ids that only grow',
  async (t) => {
    const { events, hear } = await serveEvents(t, {});
    const listener = await hear();
    await until('it listens', () => events.listeners === 1);
    for (let index = 0; index < 500; index++) {
      // Asked for when it is sent: it may be heard later, and two at once.
      events.tell('task', () => ({ index, atMs: performance.now() }), `task ${index % 8}`);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await until('the last one is told', () => listener.told.some(({ data }) => data.index === 499));
    const times = listener.told.map(({ data }) => Number(data.atMs));
    for (const time of times) {
      const inSecond = times.filter((other) => other >= time && other < time + 950).length;
      if (inSecond > 10) t.fail(`${inSecond} messages within a second`);
    }
    t.ok(listener.told.length > 10);
    const numbers = listener.told.map(({ id }) => Number(id.split('-')[1]));
    t.same(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
  },
);

t.test('who comes back gets what was missed, or a reset', async (t) => {
  const { events, hear } = await serveEvents(t, { kept: 5, perSecond: 1000 });
  const first = await hear();
  await until('it listens', () => events.listeners === 1);
  events.tell('a', () => 1);
  await until('it is told', () => first.told.length === 1);
  const lastId = first.told[0]?.id ?? '';
  first.response.destroy();
  for (const number of [2, 3, 4]) events.tell('a', () => number);
  const second = await hear(lastId);
  await until('it has all', () => second.told.length === 3);
  t.same(
    second.told.map(({ data }) => data),
    [2, 3, 4],
  );
  for (const number of [5, 6, 7, 8, 9]) events.tell('a', () => number);
  const third = await hear(lastId);
  await until('it is told to begin anew', () => third.told.length > 0);
  t.equal(third.told[0]?.event, 'reset', 'too long ago');
  for (const id of ['000000000000-1', 'nonsense', `${lastId.split('-')[0]}-999999`]) {
    const other = await hear(id);
    await until('it is told to begin anew', () => other.told.length > 0);
    t.equal(other.told[0]?.event, 'reset', `of another run: ${id}`);
  }
});

t.test('a stream that says nothing beats, and one that is not read is cut off', async (t) => {
  const { events, hear } = await serveEvents(t, { beatMs: 50, perSecond: 1000, bufferBytes: 256 * 1024 });
  const listener = await hear();
  await until('it beats', () => listener.comments > 3);
  const lazy = await hear();
  lazy.response.pause();
  await until('both listen', () => events.listeners === 2);
  const large = 'x'.repeat(64 * 1024);
  await until('it is cut off', () => {
    for (let count = 0; count < 20; count++) events.tell('a', () => large);
    return events.listeners === 1;
  });
  t.notOk(listener.isEnded, 'the other one goes on');
});

t.test('an open stream does not hold up the end of the node, nor the wiping of keys', async (t) => {
  const node = await startApi(t);
  await node.unlock();
  const listener = await listenTo(node);
  await until('it is told something', () => listener.told.length > 0);
  const startedMs = Date.now();
  const { status } = await node.node.end('SIGTERM');
  t.equal(status, 0);
  t.ok(Date.now() - startedMs < 4_000, 'it ended at once');
  await until('the stream has ended', () => listener.isEnded);
});
