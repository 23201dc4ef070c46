// A real S3 engine for tests: Ceph's radosgw with one monitor and one OSD in memory, on loopback, as any user. Starts in
// seconds, is ended by pid. Used by demonstrations and measurements as well.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { S3Keys } from '../../src/store/s3-keys.js';
import { BOUND } from '../cli/command.js';
import { companionMissing, endChild, ended, S3Engine } from './engine.js';

const run = promisify(execFile);
const WAIT_MS = 60_000;

/** Why there can be no Ceph here; false where there is one. */
export function cephMissing(): string | false {
  return companionMissing('ceph');
}

export class Ceph extends S3Engine {
  readonly keys: S3Keys = { accessKeyId: 'DISKTROTESTKEY', secretAccessKey: 'only-for-tests-0123456789' };
  readonly port: number;
  readonly #folder: string;
  readonly #monPort: number;
  readonly #daemons: ChildProcess[] = [];
  #gateway: ChildProcess | undefined;

  private constructor(folder: string, port: number, monPort: number) {
    super();
    this.#folder = folder;
    this.port = port;
    this.#monPort = monPort;
  }

  /** Up, with one user whose keys are `keys`. */
  static async start(): Promise<Ceph> {
    const folder = mkdtempSync(join(tmpdir(), 'disktro-ceph-'));
    const ceph = new Ceph(folder, await freePort(), await freePort());
    // A test that is killed must not leave daemons behind.
    process.once('exit', () => ceph.#killAll());
    try {
      await ceph.#begin();
      return ceph;
    } catch (error) {
      await ceph.stop();
      throw error;
    }
  }

  /** `radosgw-admin` with these words. */
  async admin(...words: string[]): Promise<string> {
    return (await run('radosgw-admin', ['-c', this.#conf, ...words], { maxBuffer: 1 << 26 })).stdout;
  }

  /** The gateway dies as by a power cut; what it had acknowledged stays. */
  async killGateway(): Promise<void> {
    const gateway = this.#gateway;
    this.#gateway = undefined;
    if (gateway === undefined) return;
    gateway.kill('SIGKILL');
    await ended(gateway);
  }

  async startGateway(): Promise<void> {
    const frontend = `beast endpoint=127.0.0.1:${this.port} tcp_nodelay=1`;
    const gateway = this.#spawn('radosgw', ['-f', '-n', 'client.rgw', '--rgw-frontends', frontend]);
    this.#gateway = gateway;
    await this.#until('the gateway answers', gateway, async () => {
      const answer = await fetch(`http://${this.host}/`).catch(() => undefined);
      return answer?.status === 200;
    });
  }

  async stop(): Promise<void> {
    for (const daemon of [this.#gateway, ...this.#daemons.reverse()]) {
      if (daemon !== undefined) await endChild(daemon);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #conf(): string {
    return join(this.#folder, 'ceph.conf');
  }

  async #begin(): Promise<void> {
    const fsid = crypto.randomUUID();
    for (const name of ['mon', 'osd', 'run', 'rgw']) mkdirSync(join(this.#folder, name));
    writeFileSync(this.#conf, this.#settings(fsid));
    const monmap = join(this.#folder, 'monmap');
    const address = `[v2:127.0.0.1:${this.#monPort}]`;
    await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', address, monmap]);
    await run('ceph-mon', ['-c', this.#conf, '--mkfs', '-i', 'a', '--monmap', monmap]);
    const mon = this.#spawn('ceph-mon', ['-f', '-i', 'a']);
    this.#daemons.push(mon);
    const osdId = crypto.randomUUID();
    await this.#until('the monitor answers', mon, () =>
      this.#ceph('osd', 'new', osdId, '0').then(
        () => true,
        () => false,
      ),
    );
    await run('ceph-osd', ['-c', this.#conf, '-i', '0', '--mkfs', '--osd-uuid', osdId]);
    this.#daemons.push(this.#spawn('ceph-osd', ['-f', '-i', '0']));
    const { accessKeyId, secretAccessKey } = this.keys;
    const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey];
    await this.admin('user', 'create', '--uid', 'tester', '--display-name', 'Tester', ...keys);
    await this.startGateway();
  }

  #ceph(...words: string[]): Promise<unknown> {
    return run('ceph', ['-c', this.#conf, '--connect-timeout', '5', ...words]);
  }

  #spawn(program: string, words: readonly string[]): ChildProcess {
    const log = openSync(join(this.#folder, `${program}.log`), 'a');
    const [command = '', ...rest] = [...BOUND, program, '-c', this.#conf, ...words];
    const child = spawn(command, rest, { stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  }

  async #until(what: string, child: ChildProcess, look: () => Promise<boolean>): Promise<void> {
    const endMs = Date.now() + WAIT_MS;
    while (!(await look())) {
      if (Date.now() > endMs || child.exitCode !== null) {
        const log = readFileSync(join(this.#folder, `${child.spawnfile}.log`), 'utf8');
        throw new Error(`waited in vain until ${what}\n${log.split('\n').slice(-20).join('\n')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  #killAll(): void {
    for (const daemon of [this.#gateway, ...this.#daemons]) daemon?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** One copy of everything in memory, no keys inside, no history, nothing outside the folder. */
  #settings(fsid: string): string {
    const at = (name: string): string => join(this.#folder, name);
    const isRoot = userInfo().uid === 0;
    return `[global]
fsid = ${fsid}
mon_initial_members = a
mon_host = v2:127.0.0.1:${this.#monPort}
ms_bind_msgr1 = false
public_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_max_pg_per_osd = 1000
paxos_propose_interval = 0.05
run_dir = ${at('run')}
admin_socket = ${at('run')}/$cluster-$name.asok
pid_file = ${at('run')}/$name.pid
log_file =
crash_dir = ${at('run')}
${isRoot ? 'setuser = root\nsetgroup = root\nsetuser_match_path =' : ''}
[mon]
mon_data = ${at('mon')}
mon_data_avail_crit = 0
mon_data_avail_warn = 0
[osd]
osd_data = ${at('osd')}
osd_objectstore = memstore
memstore_device_bytes = 8589934592
[client]
ms_mon_client_mode = crc secure
rgw_data = ${at('rgw')}
rgw_enable_usage_log = false
rgw_dns_name =
`;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
