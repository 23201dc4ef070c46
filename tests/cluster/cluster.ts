// Clusters of real `disktro serve` processes, each in a home of its own: on loopback unless a test says otherwise.
// Whatever a test starts here is ended and removed with it.
import type { Test } from 'tap';
import type { Environment } from '../cli/command.js';
import { emptyPlace, placeWithVault } from '../cli/place.js';
import { type NodeSetup, TestNode, until } from './node.js';

const WAIT_MS = 30_000;

export interface ClusterSetup {
  readonly nodes?: number;
  readonly env?: Environment;
  /** Whether the first node has a vault; default: yes. */
  readonly hasVault?: boolean;
  readonly setup?: (index: number) => Partial<NodeSetup>;
}

const NAMES = ['attic', 'barn', 'cellar', 'den', 'entry', 'foyer', 'garage'] as const;

/** Nodes that are up and know each other. The first one may invite, and has a vault unless told otherwise. */
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
    await cluster.make(setup.hasVault ?? true);
    for (let count = 1; count < (setup.nodes ?? 3); count++) await cluster.make();
    await Promise.all(cluster.nodes.map((node) => node.serve()));
    for (const node of cluster.nodes.slice(1)) await cluster.join(node);
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
    // Later than the place's own: what ends a node comes before its folder is removed.
    this.#test.teardown(() => this.close());
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

  /** Waits until no disk has changed for longer than repair pauses: every object is where it belongs. */
  async settled(quietMs = 6_000): Promise<void> {
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

/** Without what a dead peer makes of a log. */
function tailOf(log: string): string {
  const lines = log.split('\n').filter((line) => !line.includes('ECONNREFUSED'));
  return lines.slice(-12).join('\n');
}
