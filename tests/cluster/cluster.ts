// Clusters of real `disktro serve` processes on loopback, each in a home of its own. Whatever a test starts here is
// ended and removed with it. What nodes hold is read from their disks, not from what they say.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Environment, Outcome, Running } from '../cli/command.js';
import { jsonLines, oneJson } from '../cli/command.js';
import { emptyPlace, type Place, placeWithVault } from '../cli/place.js';

/** A beat of a second and a grace of three: what takes half an hour in life takes seconds here. */
export const QUICK: Environment = {
  DISKTRO_HEARTBEAT_INTERVAL: '1',
  DISKTRO_REPAIR_GRACE: '3',
  DISKTRO_MDNS: 'false',
};

const LIFE_MS = 10 * 60_000;
const WAIT_MS = 30_000;

export interface NodeSetup {
  readonly name: string;
  readonly place: Place;
  readonly env?: Environment;
  /** Where it listens, and is reached by the others; default: loopback. */
  readonly host?: string;
  /** A command in front of ours, such as `['ip', 'netns', 'exec', …]`. */
  readonly through?: readonly string[];
}

/** One machine: a home and, while it is up, its `serve`. */
export class TestNode {
  readonly name: string;
  readonly place: Place;
  host: string;
  readonly #env: Environment;
  readonly #through: readonly string[];
  #running: Running | undefined;
  #port = 0;
  #id = '';
  #log = '';

  constructor({ name, place, env = {}, host = '127.0.0.1', through = [] }: NodeSetup) {
    this.name = name;
    this.place = place;
    this.host = host;
    this.#through = through;
    this.#env = { ...QUICK, DISKTRO_NODE_NAME: name, ...env };
  }

  get id(): string {
    return this.#id;
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `${this.host}:${this.#port}`;
  }

  get pid(): number {
    return this.#running?.child.pid ?? 0;
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /** All that its `serve` has told, of earlier lives too. */
  get log(): string {
    return this.#log + (this.#running?.said() ?? '');
  }

  /** Starts `serve`: on a free port at first, on the same one later. Resolves when it listens. */
  async serve(...words: string[]): Promise<void> {
    const port = words.includes('--port') ? [] : ['--port', String(this.#port)];
    const running = this.place.startWith(
      { env: this.#env, through: this.#through, hangMs: LIFE_MS, input: '' },
      ...['serve', '--json', '-v', '--host', this.host, ...port, ...words],
    );
    this.#running = running;
    await until(`${this.name} listens`, () => {
      if (running.child.exitCode !== null) throw new Error(`${this.name}: serve ended\n${running.said()}`);
      return /"url":"[^"]+"\}\n/.test(running.said());
    });
    const told = oneLineWith('"url"', running.said());
    this.#port = Number(told.port);
    this.#id = String(told.node);
  }

  /** Ends `serve` and waits until it has. @returns how it ended */
  async end(signal: NodeJS.Signals): Promise<Outcome> {
    const running = this.#running;
    if (running === undefined) throw new Error(`${this.name} is not up`);
    running.child.kill(signal);
    const outcome = await running.outcome;
    this.#log += running.said();
    this.#running = undefined;
    return outcome;
  }

  kill(): Promise<Outcome> {
    return this.end('SIGKILL');
  }

  run(...words: string[]): Promise<Outcome> {
    return this.place.runWith({ env: this.#env, through: this.#through }, ...words);
  }

  runWith(env: Environment, ...words: string[]): Promise<Outcome> {
    return this.place.runWith({ env: { ...this.#env, ...env }, through: this.#through }, ...words);
  }

  start(...words: string[]): Running {
    return this.place.startWith({ env: this.#env, through: this.#through, input: '' }, ...words);
  }

  /** What a command tells that has to succeed. */
  async did(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...words);
    if (status !== 0) throw new Error(`${this.name}: disktro ${words.join(' ')}: ${status}\n${stderr}`);
    return stdout.trim();
  }

  async peers(): Promise<Record<string, unknown>[]> {
    return jsonLines(await this.did('--json', 'peers', 'list'));
  }

  /** Store ids of the object files on its disk. */
  objects(): Set<string> {
    const folder = join(this.place.home, 'objects');
    if (!existsSync(folder)) return new Set();
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return new Set(names.flatMap((name) => /[0-9a-f]{64}$/.exec(name)?.[0] ?? []));
  }

  /** The path of an object's file. */
  objectFile(id: string): string {
    const folder = join(this.place.home, 'objects');
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const name = names.find((each) => each.endsWith(id));
    if (name === undefined) throw new Error(`${this.name} has no object ${id}`);
    return join(folder, name);
  }

  /** Members it has heard of with an address, as its files say. */
  known(): string[] {
    return recordsOf(this.place.home).flatMap(({ id, addresses }) => (addresses.length > 0 ? [id] : []));
  }
}

interface KnownRecord {
  readonly id: string;
  readonly addresses: readonly string[];
}

function recordsOf(home: string): readonly KnownRecord[] {
  const file = join(home, 'node', 'members.json');
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as { records: KnownRecord[] }).records;
}

export interface ClusterSetup {
  readonly nodes?: number;
  readonly env?: Environment;
  readonly setup?: (index: number) => Partial<NodeSetup>;
}

const NAMES = ['attic', 'barn', 'cellar', 'den', 'entry', 'foyer', 'garage'] as const;

/** Nodes that are up and know each other. The first one has a vault and may invite. */
export class TestCluster {
  readonly nodes: TestNode[] = [];
  readonly #test: Test;
  readonly #setup: ClusterSetup;

  private constructor(test: Test, setup: ClusterSetup) {
    this.#test = test;
    this.#setup = setup;
  }

  static async start(test: Test, setup: ClusterSetup = {}): Promise<TestCluster> {
    const cluster = new TestCluster(test, setup);
    test.teardown(() => cluster.close());
    const first = await cluster.make(true);
    await first.serve();
    for (let count = 1; count < (setup.nodes ?? 3); count++) await cluster.grow();
    await cluster.allKnown();
    return cluster;
  }

  get first(): TestNode {
    return this.node(0);
  }

  node(index: number): TestNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  }

  get up(): readonly TestNode[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  /** A node that is in no cluster yet, and not up. */
  async make(hasVault = false): Promise<TestNode> {
    const place = hasVault ? await placeWithVault(this.#test) : emptyPlace(this.#test);
    const index = this.nodes.length;
    const { env, setup } = this.#setup;
    const own = setup?.(index) ?? {};
    const node = new TestNode({
      name: NAMES[index] ?? `node${index}`,
      place,
      ...own,
      env: { ...env, ...own.env },
    });
    this.nodes.push(node);
    return node;
  }

  /** One more node that is up and has joined. */
  async grow(): Promise<TestNode> {
    const node = await this.make();
    await node.serve();
    await this.join(node);
    return node;
  }

  async join(node: TestNode, inviting = this.first): Promise<void> {
    await node.did('peers', 'join', await inviting.did('peers', 'invite'));
  }

  /** Waits until everyone who is up knows where everyone is. */
  async allKnown(): Promise<void> {
    const ids = this.nodes.map(({ id }) => id);
    await this.until('all know each other', () =>
      this.up.every((node) => {
        const known = node.known();
        return ids.every((id) => known.includes(id));
      }),
    );
  }

  /** On how many of these disks each object lies. */
  copies(nodes: readonly TestNode[] = this.up): Map<string, number> {
    const counts = new Map<string, number>();
    for (const node of nodes) for (const id of node.objects()) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  }

  /** Waits until each of these objects lies on at least so many disks of nodes that are up. */
  async copiesReach(wanted: number, ids?: Iterable<string>, waitMs = WAIT_MS): Promise<void> {
    const objects = [...(ids ?? this.copies(this.nodes).keys())];
    const isDone = (): boolean => {
      const copies = this.copies();
      return objects.every((id) => (copies.get(id) ?? 0) >= wanted);
    };
    await this.until(`${objects.length} objects have ${wanted} copies`, isDone, waitMs);
  }

  /** As the function of this name, and tells what the nodes told when it was in vain. */
  async until(what: string, look: () => boolean | Promise<boolean>, waitMs = WAIT_MS): Promise<void> {
    await until(what, look, waitMs).catch((error: unknown) => {
      const logs = this.nodes.map((node) => `--- ${node.name}\n${tailOf(node.log)}`).join('\n');
      throw new Error(`${String(error)}\n${logs}`);
    });
  }

  /** Waits until no disk has changed for some beats: every object is where it belongs. */
  async settled(quietMs = 2_500): Promise<void> {
    let seen = '';
    let sinceMs = Date.now();
    await this.until('nothing moves any more', () => {
      const now = this.up.map((node) => [...node.objects()].sort().join()).join(';');
      if (now !== seen) [seen, sinceMs] = [now, Date.now()];
      return Date.now() - sinceMs > quietMs;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.up.map((node) => node.kill().catch(() => {})));
  }
}

/** Waits until `look` is true. */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  waitMs = WAIT_MS,
): Promise<void> {
  const endMs = Date.now() + waitMs;
  while (!(await look())) {
    if (Date.now() > endMs) throw new Error(`waited ${waitMs / 1000} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Without what a dead peer makes of a log. */
function tailOf(log: string): string {
  const lines = log.split('\n').filter((line) => !line.includes('ECONNREFUSED'));
  return lines.slice(-12).join('\n');
}

function oneLineWith(text: string, told: string): Record<string, unknown> {
  return oneJson(`${told.split('\n').find((line) => line.includes(text)) ?? ''}\n`);
}
