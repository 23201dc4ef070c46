// A second S3 engine for tests: OpenStack Swift with its s3api, all its servers in one process on loopback, one replica in
// a scratch folder. Starts in two seconds, is ended by pid.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { companionMissing, endChild, ended, S3Engine } from './engine.js';

const SERVERS = fileURLToPath(new URL('../../../tests/store/programs/swift-servers.py', import.meta.url));
/** Debian's own, which sees Debian's packages, whatever else is first on the path. */
const PYTHON = '/usr/bin/python3';
const MAX_SAID = 4_000;

/** Why there can be no Swift here; false where there is one. */
export function swiftMissing(): string | false {
  return companionMissing('swift');
}

export class Swift extends S3Engine {
  readonly keys = { accessKeyId: 'test:tester', secretAccessKey: 'only-for-tests-9876543210' };
  readonly #folder = mkdtempSync(join(tmpdir(), 'disktro-swift-'));
  #servers: ChildProcess | undefined;
  #port = 0;

  static async start(): Promise<Swift> {
    const swift = new Swift();
    try {
      await swift.#begin();
      return swift;
    } catch (error) {
      await swift.stop();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  async stop(): Promise<void> {
    this.#servers?.stdin?.end();
    if (this.#servers !== undefined) await endChild(this.#servers);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    const words = [SERVERS, this.#folder, this.keys.accessKeyId, this.keys.secretAccessKey];
    const servers = spawn(PYTHON, words, { stdio: 'pipe' });
    this.#servers = servers;
    let said = '';
    servers.stderr.on('data', (part: Buffer) => {
      said = (said + String(part)).slice(-MAX_SAID);
    });
    const told = once(createInterface({ input: servers.stdout }), 'line') as Promise<string[]>;
    const [line] = (await Promise.race([told, ended(servers)])) ?? [];
    if (line === undefined) throw new Error(`Swift did not start\n${said}`);
    this.#port = (JSON.parse(line) as { port: number }).port;
  }
}
