// One machine of the demonstration: a home of its own, the real command on it, and its `serve` while it is up. What
// it holds is read from its disk, not asked for.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const launcher = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'bin/disktro.js');
const waitMs = 60_000;

/** A beat of a second and a grace of three, so that what takes half an hour in life takes seconds here. */
const quick = { DISKTRO_HEARTBEAT_INTERVAL: '1', DISKTRO_REPAIR_GRACE: '3', DISKTRO_MDNS: 'false' };

const running = new Set();

export class DemoMachine {
  #folder;
  #home;
  #child;
  #port = 0;
  #settings;

  /** @param settings environment that goes before the usual one: by default a quick beat and grace */
  constructor(folder, name, settings = {}) {
    this.name = name;
    this.#settings = settings;
    this.#folder = join(folder, name);
    this.#home = join(this.#folder, 'home');
    mkdirSync(this.#folder);
  }

  path(name) {
    return join(this.#folder, name);
  }

  get home() {
    return this.#home;
  }

  get port() {
    return this.#port;
  }

  get pid() {
    return this.#child.pid;
  }

  /** Starts `serve`; resolves when it listens. */
  async serve() {
    const words = ['--json', '-v', 'serve', '--host', '127.0.0.1', '--port', String(this.#port)];
    const child = spawn(process.execPath, [launcher, ...words], {
      cwd: this.#folder,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', openSync(this.path('serve.log'), 'a')],
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    this.#child = child;
    let told = '';
    child.stdout.on('data', (part) => (told += part));
    await patiently(`${this.name} listens`, () => told.includes('\n'));
    this.#port = JSON.parse(told).port;
  }

  async kill() {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close');
  }

  /** Runs a command on this machine, shows it, and returns what it wrote to stdout. */
  run(...words) {
    const shown = words.map((word) => (word.length > 40 ? `${word.slice(0, 32)}…` : word)).join(' ');
    console.log(`${this.name}$ disktro ${shown}`);
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [launcher, '-q', ...words], {
      cwd: this.#folder,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status === 0) return stdout.trimEnd();
    throw new Error(`disktro ${shown} on ${this.name} ended with ${signal ?? `status ${status}`}: ${stderr}`);
  }

  /** Store ids of the object files on its disk. */
  objects() {
    const folder = join(this.#home, 'objects');
    const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
    return new Set(names.flatMap((name) => /[0-9a-f]{64}$/.exec(name)?.[0] ?? []));
  }

  /** The path of an object's file. */
  objectFile(id) {
    const kinds = ['chunks', 'manifests'].map((kind) =>
      join(this.#home, 'objects', kind, id.slice(0, 2), id),
    );
    return kinds.find(existsSync) ?? kinds[0];
  }

  /** Every object's name is the SHA-256 of its bytes: no key is needed to check it. @returns how many are not */
  wrongObjects() {
    const folder = join(this.#home, 'objects');
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const hash = (name) =>
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex');
    return names.filter((name) => /[0-9a-f]{64}$/.test(name)).filter((name) => !name.endsWith(hash(name)))
      .length;
  }

  /** As when the disk with the objects is gone. */
  loseObjects() {
    for (const kind of ['chunks', 'manifests']) {
      const folder = join(this.#home, 'objects', kind);
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    }
  }

  /** Members it has heard of with an address, itself included. */
  knownCount() {
    const file = join(this.#home, 'node/members.json');
    if (!existsSync(file)) return 0;
    return JSON.parse(readFileSync(file, 'utf8')).records.filter(({ addresses }) => addresses.length > 0)
      .length;
  }

  /** The end of what its `serve` has told. */
  logTail() {
    return readFileSync(this.path('serve.log'), 'utf8').split('\n').slice(-12).join('\n');
  }

  static endAll() {
    for (const child of running) child.kill('SIGKILL');
  }

  /** All stop as on SIGTERM; each must end with status 0. */
  static async stopAll() {
    const ends = [...running].map(async (child) => {
      child.kill('SIGTERM');
      const [status] = await once(child, 'close');
      expectEqual('status of a serve that is stopped', status, 0);
    });
    await Promise.all(ends);
  }

  #environment() {
    const kept = Object.entries(process.env).filter(([name]) => !/^(DISKTRO_|PORT$)/.test(name));
    const own = { HOME: this.#folder, DISKTRO_HOME: this.#home, DISKTRO_PASSWORD: 'demo' };
    return { ...Object.fromEntries(kept), ...quick, ...own, ...this.#settings, DISKTRO_NODE_NAME: this.name };
  }
}

export function expectEqual(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: expected ${expected}, found ${found}`);
}

/** Waits until `look` is true. */
export async function patiently(what, look, timeMs = waitMs) {
  const endMs = Date.now() + timeMs;
  while (!look()) {
    if (Date.now() > endMs) throw new Error(`waited ${timeMs / 1000} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
