// What somebody on the wire sees while files go out, are repaired and come back: a capture of all of it. Sources:
// src/net/peer-connection.ts, src/server/listen.ts.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { oneJson } from '../cli/command.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { TestCluster } from './cluster.js';
import { until } from './node.js';
import { skipNetwork, VirtualNetwork } from './virtual-network.js';

const PROBE = 'a-probe-in-clear';

interface Flow {
  readonly ports: readonly number[];
  readonly bytes: Buffer;
}

/** Each direction of each connection, its bytes in a row. */
function flowsOf(file: string): Flow[] {
  const fields = ['tcp.stream', 'tcp.srcport', 'tcp.dstport', 'tcp.payload'].flatMap((name) => ['-e', name]);
  const filter = 'tcp.len > 0 && !tcp.analysis.retransmission';
  const words = ['-r', file, '-Y', filter, '-T', 'fields', ...fields];
  const { status, stdout, stderr } = spawnSync('tshark', words, { encoding: 'utf8', maxBuffer: 2 ** 29 });
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  const flows = new Map<string, { ports: number[]; parts: Buffer[] }>();
  for (const line of stdout.split('\n')) {
    const [stream = '', from = '', to = '', payload = ''] = line.split('\t');
    const flow = flows.get(`${stream} ${from}`) ?? { ports: [Number(from), Number(to)], parts: [] };
    flow.parts.push(Buffer.from(payload, 'hex'));
    flows.set(`${stream} ${from}`, flow);
  }
  return [...flows.values()].map(({ ports, parts }) => ({ ports, bytes: Buffer.concat(parts) }));
}

/** An id or a name in the forms in which it might be on the wire. */
function formsOf(word: string): Buffer[] {
  const isHex = /^(?:[0-9a-f]{32}){1,2}$/.test(word);
  const texts = [
    word,
    word.toUpperCase(),
    Buffer.from(word).toString('base64').replace(/=+$/, '').slice(0, -2),
  ];
  return [
    ...texts.map((text) => Buffer.from(text)),
    ...(isHex ? [Buffer.from(word, 'hex').subarray(0, 16)] : []),
  ];
}

t.test(
  'who listens on the wire learns no id, name or address',
  { skip: skipNetwork, timeout: 280_000 },
  async (t) => {
    const network = await VirtualNetwork.open(t, 1);
    const through = network.through(0);
    const cluster = await TestCluster.start(t, { setup: () => ({ through }) });
    const { first } = cluster;
    const third = cluster.node(2);
    const file = join(scratchFolder(t), 'wire.pcap');
    const [command = '', ...rest] = [...through, 'tshark', '-q', '-i', 'lo', '-F', 'pcap', '-w', file];
    const tshark = spawn(command, rest, { stdio: 'ignore' });
    t.teardown(() => tshark.kill('SIGKILL'));
    const probe = `fetch('http://127.0.0.1:${first.port}/ping?${PROBE}').then(() => {})`;
    const [node = '', ...words] = [...through, process.execPath, '-e', probe];
    await until('the capture runs', () => {
      spawnSync(node, words);
      return existsSync(file) && statSync(file).size > 1_000;
    });

    first.place.write('holiday-in-rome.tar', sampleBytes('photos', 1_500_000));
    const { id } = oneJson(await first.did('--json', 'chunk', 'holiday-in-rome.tar'));
    const [lost = ''] = third.objects();
    await third.stop();
    rmSync(third.objectFile(lost));
    await third.serve();
    await cluster.until('it is repaired', () => third.objects().has(lost));
    for (const object of first.objects()) rmSync(first.objectFile(object));
    await first.did('reassemble', String(id), '-o', 'back');
    await first.did('peers', 'ping');
    await cluster.grow();
    spawnSync(node, words);
    const status = oneJson(await first.did('--json', 'status'));
    tshark.kill('SIGTERM');
    await once(tshark, 'exit');

    const flows = flowsOf(file).filter(({ bytes }) => bytes.byteLength > 0);
    // Those that were under way when the capture began have no handshake, but records of TLS they are.
    const isPlain = ({ bytes }: Flow): boolean =>
      !(bytes.readUInt8(0) >= 0x14 && bytes.readUInt8(0) <= 0x17 && bytes[1] === 3);
    const secure = flows.filter((flow) => !isPlain(flow));
    const secrets = [
      ...cluster.nodes.flatMap((each) => [...each.objects()]),
      ...cluster.nodes.flatMap((each) => [each.id, each.name, each.address]),
      ...[
        String(id),
        String(status.vaultId),
        'holiday-in-rome',
        'DSK1',
        'PUT /',
        'GET /',
        'POST /',
        '127.0.0.1',
      ],
    ];
    t.match(status.vaultId, /^[0-9a-f]{32}$/);

    await t.test('the capture would show it', async (t) => {
      t.ok(flows.some((flow) => isPlain(flow) && flow.bytes.includes(PROBE)));
      const seen = secure.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
      t.ok(seen > 4_000_000, `${seen} bytes between nodes`);
      t.ok(secrets.length > 20);
    });

    await t.test('all that is not TLS is a ping of this machine', async (t) => {
      const others = flows.filter(
        (flow) => isPlain(flow) && !/\/ping|pong/.test(flow.bytes.toString('latin1')),
      );
      t.same(
        others.map(({ bytes }) => bytes.subarray(0, 200).toString('latin1')),
        [],
      );
    });

    await t.test('what goes between nodes shows none of it', async (t) => {
      for (const word of new Set(secrets)) {
        const forms = formsOf(word);
        const showing = secure.filter(({ bytes }) =>
          forms.some((form) => form.length > 3 && bytes.includes(form)),
        );
        if (showing.length > 0) t.fail(`${word} in clear, ports ${showing[0]?.ports}`);
      }
      t.pass();
    });

    await t.test('nor do handshakes: no server name, no certificate in clear', async (t) => {
      for (const field of ['tls.handshake.extensions_server_name', 'tls.handshake.certificate']) {
        const look = ['-r', file, '-Y', field, '-T', 'fields', '-e', field];
        const { status: ending, stdout } = spawnSync('tshark', look, { encoding: 'utf8' });
        t.equal(ending, 0);
        t.equal(stdout.trim(), '', field);
      }
      const hello = spawnSync('tshark', ['-r', file, '-Y', 'tls.handshake.type == 1'], { encoding: 'utf8' });
      t.ok(hello.stdout.split('\n').length > 3, 'tshark has read handshakes');
    });
  },
);
