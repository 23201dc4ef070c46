// Several homes on this machine that serve as nodes of one cluster, on loopback: real processes, stopped with the test.
import type { Test } from 'tap';
import { eventually, jsonLines, type Running } from './command.js';
import { emptyPlace, type Place, placeWithVault } from './place.js';

const SOON = {
  DISKTRO_HEARTBEAT_INTERVAL: '1',
  DISKTRO_REPAIR_GRACE: '60',
  DISKTRO_MDNS: 'false',
  DISKTRO_HOST: '127.0.0.1',
};

export class TestNode {
  readonly place: Place;
  readonly name: string;
  /** While it runs. */
  port = 0;
  running: Running | undefined;

  constructor(place: Place, name: string, env: Readonly<Record<string, string>> = {}) {
    this.place = place;
    this.name = name;
    Object.assign(place.env, SOON, { DISKTRO_NODE_NAME: name }, env);
  }

  /** Serves on any free port. @param words more options of `serve` */
  async serve(...words: string[]): Promise<void> {
    const running = this.place.startWith({ hangMs: 600_000 }, 'serve', '--port', '0', '-v', ...words);
    this.running = running;
    const port = await eventually(
      `${this.name} listens`,
      () => /http:\/\/localhost:(\d+)\//.exec(running.said())?.[1],
    );
    this.port = Number(port);
  }

  /** @returns what it said */
  async stop(): Promise<string> {
    const { running } = this;
    this.running = undefined;
    running?.child.kill('SIGTERM');
    await running?.outcome;
    return running?.said() ?? '';
  }
}

/** Nodes named a, b, c, … that know each other and serve; the first one has a vault of small chunks. */
export async function clusterOfNodes(
  test: Test,
  size: number,
  env: Readonly<Record<string, string>> = {},
): Promise<TestNode[]> {
  const nodes: TestNode[] = [];
  for (let n = 0; n < size; n++) {
    const place = n === 0 ? await placeWithVault(test) : emptyPlace(test);
    nodes.push(new TestNode(place, String.fromCharCode(97 + n), env));
  }
  test.teardown(() => Promise.all(nodes.map((node) => node.stop())));
  await Promise.all(nodes.map((node) => node.serve()));
  const [first, ...others] = nodes as [TestNode, ...TestNode[]];
  for (const { place } of others) {
    const invite = await first.place.run('peers', 'invite');
    const joined = await place.run('peers', 'join', invite.stdout.trim());
    if (joined.status !== 0) throw new Error(joined.stderr);
  }
  for (const node of nodes) await allOnline(node, size);
  return nodes;
}

/** Waits until a node sees this many, itself included. */
export async function allOnline({ place, name }: TestNode, size: number): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    const lines = jsonLines((await place.run('peers', '--json')).stdout);
    if (lines.filter(({ status, port }) => status === 'online' && port !== 0).length === size) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} does not see ${size} nodes`);
}
