// Nodes of a cluster as people run them: real `serve` processes on free ports of loopback, each with a home of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Test } from 'tap';
import { scratchFolder } from '../ops/scratch-home.js';
import { environment, eventually, LAUNCHER, type Outcome, type RunOptions, run } from './command.js';

export const PASSWORD = 'a password of tests';

/** Fast enough that tests need not wait, and no deletion waits for a day. */
const ENVIRONMENT = {
  DISKTRO_HEARTBEAT_INTERVAL: '1',
  DISKTRO_REPAIR_GRACE: '3600',
  DISKTRO_DELETE_GRACE: '1',
  DISKTRO_CHUNK_SIZE: '65536',
};

/** One home, with or without its `serve`. */
export class TestNode {
  readonly home: string;
  readonly #env: Record<string, string>;
  #serving: ChildProcess | undefined;
  port = 0;
  /** What `serve` has said. */
  log = '';

  constructor(folder: string, name: string) {
    this.home = join(folder, name);
    this.#env = { HOME: folder, DISKTRO_HOME: this.home, DISKTRO_PASSWORD: PASSWORD, ...ENVIRONMENT };
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  run(...words: string[]): Promise<Outcome> {
    return this.runWith({}, ...words);
  }

  runWith(options: RunOptions, ...words: string[]): Promise<Outcome> {
    return run({ cwd: '/', env: this.#env, secrets: [] }, words, { mayShowCode: true, ...options });
  }

  /** Runs a command that has to succeed. @returns its stdout without the last line end */
  async must(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...words);
    if (status !== 0) throw new Error(`disktro ${words.join(' ')}: ${status}\n${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  async serve(): Promise<void> {
    const words = ['serve', '--no-mdns', '--host', '127.0.0.1', '--port', String(this.port), '-v'];
    const env = environment(this.#env);
    const child = spawn(process.execPath, [LAUNCHER, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#serving = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (part: Buffer) => {
        this.log += part.toString();
      });
    }
    const earlier = this.log.length;
    const [, port] = await eventually(
      'serve listens',
      () => /http:\/\/localhost:(\d+)\//.exec(this.log.slice(earlier)) ?? undefined,
    );
    this.port = Number(port);
  }

  /** Starts anew: what it counted in memory is forgotten. */
  async restart(): Promise<void> {
    await this.stop();
    await this.serve();
  }

  async stop(): Promise<void> {
    const child = this.#serving;
    this.#serving = undefined;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

/** Nodes that serve and know each other; the first one has founded the cluster. They end with the test. */
export async function startCluster(
  test: Test,
  count: number,
): Promise<{ readonly folder: string; readonly nodes: TestNode[] }> {
  const folder = scratchFolder(test);
  const nodes = Array.from({ length: count }, (_, index) => new TestNode(folder, `n${index + 1}`));
  test.teardown(() => Promise.all(nodes.map((node) => node.stop())));
  await Promise.all(nodes.map((node) => node.serve()));
  const [founder, ...others] = nodes as [TestNode, ...TestNode[]];
  for (const node of others) {
    const invite = await founder.must('-q', 'peers', 'invite', '--address', founder.address);
    await node.must('-q', 'peers', 'join', invite);
  }
  await settled(founder, count);
  return { folder, nodes };
}

/** Waits until a node sees this many members online, itself among them. */
export async function settled(node: TestNode, count: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const shown = await node.must('peers', 'list', '--json');
    const lines = shown.split('\n').filter((line) => line.includes('127.0.0.1'));
    if (lines.length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${node.home} does not see ${count} nodes`);
}

/** Repeats a look that takes a while until it is true. */
export async function until(what: string, look: () => Promise<boolean>, forMs = 15_000): Promise<void> {
  const endMs = Date.now() + forMs;
  while (!(await look())) {
    if (Date.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}
