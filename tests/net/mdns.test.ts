// Nodes of one cluster on the local network: found, told apart from strangers, and bounded. On loopback, on a UDP port of
// the tests' own. Source: src/net/mdns.ts.
import dgram from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { NodeId } from '../../src/core/ids.js';
import { clusterTag, type Mdns, type MdnsOptions, type Sighting, startMdns } from '../../src/net/mdns.js';
import { nodeIdOf } from '../../src/net/node-id.js';

const CA = 'ab'.repeat(32);
const SELF = nodeNumber(1);
const OTHER = nodeNumber(2);
const WAIT_MS = 5_000;

function nodeNumber(number: number): NodeId {
  return nodeIdOf(Buffer.from(`key ${number}`));
}

async function freeUdpPort(): Promise<number> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

interface Started {
  readonly mdns: Mdns;
  readonly seen: Sighting[];
  readonly troubles: string[];
}

function start(test: Test, options: Partial<MdnsOptions> & { readonly udpPort: number }): Started {
  const seen: Sighting[] = [];
  const troubles: string[] = [];
  const mdns = startMdns({
    self: SELF,
    port: 18_080,
    caFingerprint: CA,
    isMember: () => true,
    interface: '127.0.0.1',
    onFound: (sighting) => seen.push(sighting),
    onTrouble: (message) => troubles.push(message),
    ...options,
  });
  test.teardown(() => mdns.close());
  return { mdns, seen, troubles };
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += 10) {
    if (isSo()) return;
    await delay(10);
  }
  throw new Error(`waited in vain until ${what}`);
}

/** DNS by hand: what another program may send, not what our library would. */
class Packet {
  readonly #records: Buffer[] = [];

  static name(text: string): Buffer {
    const labels = text
      .split('.')
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
    return Buffer.concat([...labels, Buffer.from([0])]);
  }

  add(name: string, type: number, data: Buffer): this {
    const head = Buffer.alloc(10);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(1, 2);
    head.writeUInt32BE(120, 4);
    head.writeUInt16BE(data.byteLength, 8);
    this.#records.push(Buffer.concat([Packet.name(name), head, data]));
    return this;
  }

  srv(name: string, port: number, target: string): this {
    const head = Buffer.alloc(6);
    head.writeUInt16BE(port, 4);
    return this.add(name, 33, Buffer.concat([head, Packet.name(target)]));
  }

  txt(name: string, ...texts: string[]): this {
    const parts = texts.map((text) =>
      Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]),
    );
    return this.add(name, 16, Buffer.concat(parts));
  }

  a(name: string, ip: string): this {
    return this.add(name, 1, Buffer.from(ip.split('.').map(Number)));
  }

  response(): Buffer {
    const head = Buffer.alloc(12);
    head.writeUInt16BE(0x8400, 2);
    head.writeUInt16BE(this.#records.length, 6);
    return Buffer.concat([head, ...this.#records]);
  }
}

const INSTANCE = 'x._disktro._tcp.local';

function sender(test: Test, udpPort: number): (bytes: Buffer) => Promise<void> {
  const socket = dgram.createSocket('udp4');
  test.teardown(() => socket.close());
  return (bytes) =>
    new Promise((resolve, reject) =>
      socket.send(bytes, udpPort, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    );
}

function announce(id: string, tag = clusterTag(CA), port = 4_000): Packet {
  return new Packet().srv(INSTANCE, port, 'x.local').txt(INSTANCE, 'v=1', `id=${id}`, `c=${tag}`);
}

t.test('two nodes of one cluster find each other, also when one comes later', async (t) => {
  const udpPort = await freeUdpPort();
  const first = start(t, { udpPort, port: 18_081 });
  await delay(50);
  const second = start(t, { udpPort, self: OTHER, port: 18_082 });
  await until('both are found', () => first.seen.length > 0 && second.seen.length > 0);
  t.same(first.seen[0], { node: OTHER, addresses: ['127.0.0.1:18082'] });
  t.same(second.seen[0], { node: SELF, addresses: ['127.0.0.1:18081'] });
  t.notOk(
    [
      ...first.seen.map(({ node }) => node === SELF),
      ...second.seen.map(({ node }) => node === OTHER),
    ].includes(true),
    'nobody finds itself',
  );
});

t.test('a node of another cluster is not found', async (t) => {
  const udpPort = await freeUdpPort();
  const first = start(t, { udpPort });
  start(t, { udpPort, self: OTHER, caFingerprint: 'cd'.repeat(32) });
  const third = start(t, { udpPort, self: nodeNumber(3) });
  await until('its own are found', () => first.seen.length > 0 && third.seen.length > 0);
  await delay(200);
  t.notOk([...first.seen, ...third.seen].some(({ node }) => node === OTHER));
});

t.test('what is announced is an id, a port and a hash, and nothing else', async (t) => {
  const udpPort = await freeUdpPort();
  const heard: Buffer[] = [];
  const listener = dgram.createSocket({ type: 'udp4', reuseAddr: true });
  t.teardown(() => listener.close());
  listener.on('message', (message) => heard.push(message));
  await new Promise<void>((resolve) => listener.bind(udpPort, '0.0.0.0', resolve));
  listener.addMembership('224.0.0.251', '127.0.0.1');
  start(t, { udpPort });
  await until('it is announced', () => heard.some((message) => message.includes('id=')));
  const [packet] = heard.filter((message) => message.includes('id='));
  t.ok(packet?.includes(SELF) && packet.includes(clusterTag(CA)));
  t.notOk(packet?.includes(CA) || packet?.includes(CA.slice(0, 32)), 'not the fingerprint itself');
  const fields = packet?.toString('latin1').match(/[a-z]+=/g) ?? [];
  t.same(fields.sort(), ['c=', 'id=', 'v='], 'three fields');
  t.ok((packet?.byteLength ?? 0) < 400, `${packet?.byteLength} bytes`);
});

t.test('records that do not fit are ignored, and nothing breaks', async (t) => {
  const udpPort = await freeUdpPort();
  const { seen } = start(t, { udpPort });
  const send = sender(t, udpPort);
  await delay(100);
  const tag = clusterTag(CA);
  const bad: [claim: string, bytes: Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['a header alone', new Packet().response()],
    ['noise', Buffer.from('disktro'.repeat(50))],
    ['a name that points at itself', Buffer.from('000084000000000100000000c00c00100001', 'hex')],
    ['no node id', announce('nobody').response()],
    ['an id too long', announce(`${OTHER}a`).response()],
    ['upper case', announce(OTHER.toUpperCase()).response()],
    ['another cluster', announce(OTHER, 'f'.repeat(32)).response()],
    ['an empty tag', announce(OTHER, '').response()],
    ['port 0', announce(OTHER, tag, 0).response()],
    ['this node itself', announce(SELF).response()],
    ['text without a port', new Packet().txt(INSTANCE, `id=${OTHER}`, `c=${tag}`).response()],
    ['a port without text', new Packet().srv(INSTANCE, 4000, 'x.local').response()],
    [
      'a port of another name',
      new Packet()
        .srv('y._disktro._tcp.local', 4000, 'x.local')
        .txt(INSTANCE, `id=${OTHER}`, `c=${tag}`)
        .response(),
    ],
    [
      'another service',
      new Packet()
        .srv('x._http._tcp.local', 4000, 'x')
        .txt('x._http._tcp.local', `id=${OTHER}`, `c=${tag}`)
        .response(),
    ],
  ];
  const crowd = announce(OTHER);
  for (let n = 0; n < 100; n++) crowd.a('x.local', `10.0.0.${n}`);
  bad.push(['a hundred records', crowd.response()]);
  for (const [, bytes] of bad) await send(bytes);
  await send(announce(nodeNumber(9)).response());
  await until('the good one is found', () => seen.length > 0);
  t.same(
    seen.map(({ node }) => node),
    [nodeNumber(9)],
    `after ${bad.length} that are bad`,
  );
});

t.test('where it speaks from comes first, and a few addresses are enough', async (t) => {
  const udpPort = await freeUdpPort();
  const { seen } = start(t, { udpPort });
  const send = sender(t, udpPort);
  await delay(100);
  const packet = announce(OTHER).a('elsewhere.local', '10.9.9.9');
  for (let n = 1; n <= 9; n++) packet.a('x.local', `10.0.0.${n}`);
  await send(packet.response());
  await until('it is found', () => seen.length > 0);
  t.same(seen[0]?.addresses, ['127.0.0.1:4000', '10.0.0.1:4000', '10.0.0.2:4000', '10.0.0.3:4000']);
});

t.test('a flood of made-up nodes is passed on a few times a minute, and hides no member', async (t) => {
  const udpPort = await freeUdpPort();
  const { seen } = start(t, { udpPort, isMember: (node) => node === OTHER });
  const send = sender(t, udpPort);
  await delay(100);
  for (let n = 0; n < 2_000; n++) {
    await send(announce(nodeNumber(1_000 + n)).response());
    if (n % 100 === 0) await delay(5);
  }
  // Apart from each other: a socket whose buffer the flood has filled loses what comes at once.
  for (let n = 0; n < 50; n++) {
    await send(announce(OTHER).response());
    await delay(10);
  }
  await until('the member is found', () => seen.some(({ node }) => node === OTHER));
  await delay(100);
  const strangers = seen.filter(({ node }) => node !== OTHER).length;
  t.ok(strangers <= 21, `${strangers} strangers of 2000`);
  t.ok(seen.length - strangers <= 6, 'and the member not 50 times');
});

t.test('many questions get one answer a second', async (t) => {
  const udpPort = await freeUdpPort();
  const other = start(t, { udpPort, self: OTHER });
  await until('it is up', () => other.troubles.length === 0);
  const heard: Buffer[] = [];
  const listener = dgram.createSocket({ type: 'udp4', reuseAddr: true });
  t.teardown(() => listener.close());
  listener.on('message', (message) => heard.push(message));
  await new Promise<void>((resolve) => listener.bind(udpPort, '0.0.0.0', resolve));
  listener.addMembership('224.0.0.251', '127.0.0.1');
  for (let n = 0; n < 200; n++) other.mdns.query();
  await delay(1_500);
  const answers = heard.filter((message) => message.includes('id=')).length;
  t.ok(answers >= 1 && answers <= 3, `${answers} answers`);
});

t.test('trouble is told and never thrown: no such interface, and closing twice', async (t) => {
  const udpPort = await freeUdpPort();
  const { mdns, troubles } = start(t, { udpPort, interface: '203.0.113.77' });
  await until('trouble is told', () => troubles.length > 0);
  t.match(troubles[0], /^mDNS: /);
  mdns.query();
  await delay(50);
  await mdns.close();
  await mdns.close();
  mdns.query();
  const early = start(t, { udpPort: await freeUdpPort() });
  await early.mdns.close();
  t.pass('closed before it was up');
});
