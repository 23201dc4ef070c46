// A network of its own for the nodes of a test: each in a network namespace, joined by a switch that delays, loses or cuts
// what goes between them when told to. Needs Linux, root, iproute2 and python3; the machine's own network is not touched.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { ROOT } from '../cli/command.js';
import type { NodeSetup } from './node.js';

/** Why tests with namespaces are left out here; false: they have to pass. On Linux as root nothing excuses them. */
export const skipNetwork: string | false =
  process.platform === 'linux' && process.getuid?.() === 0 ? false : 'network namespaces need Linux and root';

const PROGRAMS = join(ROOT, 'tests/cluster/programs');
let opened = 0;

interface SwitchState {
  /** One way. */
  readonly delay_ms?: number;
  /** Share of the packets. */
  readonly loss?: number;
  readonly cut?: readonly (readonly [string, string])[];
  readonly seed?: number;
}

/** Hosts are counted from 0; each has one interface, `eth0`. */
export class VirtualNetwork {
  readonly #hosts: number;
  readonly #prefix = `dsk${process.pid}x${opened++}`;
  #switch: ChildProcess | undefined;
  #told: AsyncIterator<string> | undefined;

  private constructor(hosts: number) {
    this.#hosts = hosts;
  }

  /** Ends with the test. */
  static async open(test: Test, hosts: number): Promise<VirtualNetwork> {
    const network = new VirtualNetwork(hosts);
    test.teardown(() => network.#close());
    await network.#open();
    return network;
  }

  /** What a node on this host is started with; it listens on all interfaces, so that its address may change. */
  setup(host: number): Partial<NodeSetup> {
    return { host: this.address(host), listenHost: '0.0.0.0', through: this.through(host) };
  }

  address(host: number): string {
    return `10.77.0.${host + 1}`;
  }

  /** The command in front of one that is to run on this host. */
  through(host: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(host)];
  }

  /** Gives a host another address in the place of the one it had. */
  move(host: number, from: string, to: string): void {
    const own = this.#namespace(host);
    ip('-n', own, 'addr', 'del', `${from}/24`, 'dev', 'eth0');
    this.#address(own, to);
  }

  /** Packets between hosts of different groups vanish, without a word to either side. */
  async divide(...groups: readonly (readonly number[])[]): Promise<void> {
    const groupOf = (host: number): number => groups.findIndex((group) => group.includes(host));
    const cut: [string, string][] = [];
    for (let a = 0; a < this.#hosts; a++)
      for (let b = 0; b < this.#hosts; b++) if (groupOf(a) !== groupOf(b)) cut.push([`p${a}`, `p${b}`]);
    await this.tell({ cut });
  }

  async heal(): Promise<void> {
    await this.tell({ cut: [] });
  }

  async tell(state: SwitchState): Promise<void> {
    this.#switch?.stdin?.write(`${JSON.stringify(state)}\n`);
    await this.#told?.next();
  }

  /** With a way out for multicast, which went with the last address. */
  #address(namespace: string, address: string): void {
    ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', namespace, 'route', 'replace', '224.0.0.0/4', 'dev', 'eth0');
  }

  #namespace(host: number | 'switch'): string {
    return `${this.#prefix}-${host === 'switch' ? 's' : host}`;
  }

  async #open(): Promise<void> {
    const middle = this.#namespace('switch');
    ip('netns', 'add', middle);
    const ports = Array.from({ length: this.#hosts }, (_, host) => `p${host}`);
    for (const [host, port] of ports.entries()) {
      const own = this.#namespace(host);
      ip('netns', 'add', own);
      ip('link', 'add', port, 'netns', middle, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', own);
      ip('-n', own, 'link', 'set', 'lo', 'up');
      run(...this.through(host), 'python3', join(PROGRAMS, 'no-offload.py'), 'eth0');
      ip('-n', own, 'link', 'set', 'eth0', 'up');
      this.#address(own, this.address(host));
      ip('-n', middle, 'link', 'set', port, 'up');
    }
    const words = ['netns', 'exec', middle, 'python3', join(PROGRAMS, 'switch.py'), ...ports];
    const child = spawn('ip', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.on('error', () => {});
    this.#switch = child;
    this.#told = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value } = await this.#told.next();
    if (value !== 'ready') throw new Error('the switch of the virtual network did not start');
  }

  async #close(): Promise<void> {
    const child = this.#switch;
    if (child !== undefined && child.exitCode === null) {
      child.stdin?.end();
      await once(child, 'exit');
    }
    for (const host of ['switch', ...Array(this.#hosts).keys()] as const)
      spawnSync('ip', ['netns', 'del', this.#namespace(host as number | 'switch')]);
  }
}

const ip = (...words: string[]): void => run('ip', ...words);

function run(...words: string[]): void {
  const [command = '', ...rest] = words;
  const { status, stderr, error } = spawnSync(command, rest, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(
    `${words.join(' ')}: ${stderr || error}\nnetwork namespaces, iproute2 and python3 are needed`,
  );
}
