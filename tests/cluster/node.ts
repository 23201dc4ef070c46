// One machine of a cluster: a home and, while it is up, its `serve`, a real process. What it holds is read from its disk,
// not from what it says.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment, Outcome, Running, RunOptions } from '../cli/command.js';
import { jsonLines, oneJson } from '../cli/command.js';
import type { Place } from '../cli/place.js';

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
  /** Where it listens when that is not where it is reached, such as all interfaces. */
  readonly listenHost?: string;
  /** A command in front of ours, such as `['ip', 'netns', 'exec', …]`. */
  readonly through?: readonly string[];
}

/** Its environment is that of its place, so that whatever runs there runs as this node. */
export class TestNode {
  readonly name: string;
  readonly place: Place;
  host: string;
  readonly #listenHost: string | undefined;
  readonly #through: readonly string[];
  #running: Running | undefined;
  #port = 0;
  #id = '';
  #log = '';

  constructor({ name, place, env = {}, host = '127.0.0.1', listenHost, through = [] }: NodeSetup) {
    this.name = name;
    this.place = place;
    this.host = host;
    this.#listenHost = listenHost;
    this.#through = through;
    Object.assign(place.env, QUICK, { DISKTRO_NODE_NAME: name }, env);
  }

  get id(): string {
    return this.#id;
  }

  get home(): string {
    return this.place.home;
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
    const host = this.#listenHost ?? this.host;
    const port = words.includes('--port') ? [] : ['--port', String(this.#port)];
    const running = this.place.startWith(
      { through: this.#through, hangMs: LIFE_MS, input: '' },
      ...['serve', '--json', '-v', '--host', host, ...port, ...words],
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

  stop(): Promise<Outcome> {
    return this.end('SIGTERM');
  }

  /** Starts anew: what it counted in memory is forgotten. */
  async restart(): Promise<void> {
    await this.stop();
    await this.serve();
  }

  run(...words: string[]): Promise<Outcome> {
    return this.runWith({}, ...words);
  }

  runWith(options: RunOptions, ...words: string[]): Promise<Outcome> {
    return this.place.runWith({ through: this.#through, ...options }, ...words);
  }

  startWith(options: RunOptions, ...words: string[]): Running {
    return this.place.startWith({ through: this.#through, input: '', ...options }, ...words);
  }

  /** What a command tells that has to succeed. */
  async did(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...words);
    if (status !== 0)
      throw new Error(`${this.name}: disktro ${words.join(' ')}: ${status}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  async peers(): Promise<Record<string, unknown>[]> {
    return jsonLines(await this.did('--json', 'peers', 'list'));
  }

  /** Waits until its `peers` shows so many as online, with a port, itself included. */
  async sees(count: number): Promise<void> {
    await until(`${this.name} sees ${count} nodes`, async () => {
      const online = (await this.peers()).filter(({ status, port }) => status === 'online' && port !== 0);
      return online.length === count;
    });
  }

  /** Store ids of the object files on its disk. */
  objects(): Set<string> {
    return new Set(this.#objectNames().flatMap((name) => /[0-9a-f]{64}$/.exec(name)?.[0] ?? []));
  }

  /** The path of an object's file. */
  objectFile(id: string): string {
    const name = this.#objectNames().find((each) => each.endsWith(id));
    if (name === undefined) throw new Error(`${this.name} has no object ${id}`);
    return join(this.home, 'objects', name);
  }

  /** Members it has heard of with an address, as its files say. */
  known(): string[] {
    return this.#records().flatMap(({ id, addresses }) => (addresses.length > 0 ? [id] : []));
  }

  /** Where it takes a member to be. */
  addressesOf(id: string): readonly string[] {
    return this.#records().find((record) => record.id === id)?.addresses ?? [];
  }

  #records(): readonly KnownRecord[] {
    const file = join(this.home, 'node', 'members.json');
    if (!existsSync(file)) return [];
    return (JSON.parse(readFileSync(file, 'utf8')) as { records: KnownRecord[] }).records;
  }

  #objectNames(): string[] {
    const folder = join(this.home, 'objects');
    return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  }
}

interface KnownRecord {
  readonly id: string;
  readonly addresses: readonly string[];
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

function oneLineWith(text: string, told: string): Record<string, unknown> {
  return oneJson(`${told.split('\n').find((line) => line.includes(text)) ?? ''}\n`);
}
