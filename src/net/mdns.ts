/**
 * Finds nodes of this cluster on the local network, and lets them find this one: service `_disktro._tcp` of mDNS (RFC
 * 6762, 6763; docs/PROTOCOL.md, "On the local network"). What it tells is a node id, a port and a hash that only nodes of
 * the cluster can compare; what it hears is a rumour: whoever takes an address from it checks who is there. Never fails:
 * where there is no multicast it finds nothing. The one importer of multicast-dns.
 */
import { isIPv4 } from 'node:net';
import createMdns from 'multicast-dns';
import { sha256Hex } from '../core/hashes.js';
import type { NodeId } from '../core/ids.js';
import { isNodeId } from './node-id.js';
import { RequestLimit } from './rate-limit.js';

export interface Sighting {
  readonly node: NodeId;
  /** `host:port`, the likeliest first; at most {@link MOST_ADDRESSES}. */
  readonly addresses: readonly string[];
}

export interface MdnsOptions {
  readonly self: NodeId;
  /** Where this node listens. */
  readonly port: number;
  /** SHA-256 of the CA's certificate, hex. */
  readonly caFingerprint: string;
  /** Told of nodes that say they are of this cluster, a few times a minute each; never of this node. */
  readonly onFound: (sighting: Sighting) => void;
  /** Members are told apart from floods of made-up ids. */
  readonly isMember: (node: NodeId) => boolean;
  /** Told what does not work, such as a port that is taken; default: nobody. */
  readonly onTrouble?: ((message: string) => void) | undefined;
  /** The IPv4 address of the one interface to speak on; default: all. */
  readonly interface?: string | undefined;
  /** Of mDNS itself; only tests have one of their own. */
  readonly udpPort?: number | undefined;
}

export interface Mdns {
  /** Asks who is there. */
  query(): void;
  close(): Promise<void>;
}

export const MOST_ADDRESSES = 4;
const SERVICE = '_disktro._tcp.local';
const INSTANCE_LENGTH = 16;
const TTL_SECONDS = 120;
/** One answer a second, however many ask (RFC 6762, section 6). */
const ANSWER_EVERY_MS = 1_000;
const MOST_RECORDS = 64;
const SIGHTINGS = { perKey: 6, total: 600, windowMs: 60_000, maxKeys: 1_024 };
const STRANGE_SIGHTINGS = { perKey: 2, total: 20, windowMs: 60_000, maxKeys: 64 };

/** Announces this node and asks who else is there. */
export function startMdns(options: MdnsOptions): Mdns {
  const { self, onTrouble = () => {} } = options;
  const socket = createMdns({
    ...(options.interface === undefined ? {} : { interface: options.interface, bind: '0.0.0.0' }),
    ...(options.udpPort === undefined ? {} : { port: options.udpPort }),
  });
  const tag = clusterTag(options.caFingerprint);
  const members = new RequestLimit(SIGHTINGS);
  const strangers = new RequestLimit(STRANGE_SIGHTINGS);
  const ignore = (error: Error | null | undefined): void => {
    if (error) onTrouble(`mDNS: ${error.message}`);
  };
  const answer = throttled(ANSWER_EVERY_MS, () => socket.respond(announcement(options, tag), ignore));
  const query = (): void => socket.query([{ name: SERVICE, type: 'PTR' }], ignore);

  socket.on('error', ignore);
  socket.on('warning', ignore);
  socket.on('query', ({ questions = [] }) => {
    if (questions.some(asksForNodes)) answer.soon();
  });
  socket.on('response', ({ answers = [], additionals = [] }, { address }) => {
    const records = [...answers, ...additionals];
    if (records.length > MOST_RECORDS) return;
    const sighting = readSighting(records, tag, address);
    if (sighting === undefined || sighting.node === self) return;
    const limit = options.isMember(sighting.node) ? members : strangers;
    if (limit.allow(sighting.node)) options.onFound(sighting);
  });
  socket.once('ready', () => {
    answer.soon();
    query();
  });
  return {
    query,
    async close() {
      answer.stop();
      await new Promise<void>((resolve) => {
        try {
          socket.destroy(resolve);
        } catch {
          resolve(); // it never came to be
        }
      });
    },
  };
}

/** Equal for nodes of one cluster, and of no use to anyone else: the fingerprint itself is in every invite. */
export function clusterTag(caFingerprint: string): string {
  return sha256Hex(Buffer.from(`disktro/v1/mdns\n${caFingerprint}`)).slice(0, 32);
}

interface DnsRecord {
  readonly name?: unknown;
  readonly type: string;
  readonly data?: unknown;
}

type Announcement = Parameters<ReturnType<typeof createMdns>['respond']>[0];

function announcement({ self, port }: MdnsOptions, tag: string): Announcement {
  const label = self.slice(0, INSTANCE_LENGTH);
  const instance = `${label}.${SERVICE}`;
  const txt = ['v=1', `id=${self}`, `c=${tag}`];
  return {
    answers: [
      { name: SERVICE, type: 'PTR', ttl: TTL_SECONDS, data: instance },
      { name: instance, type: 'SRV', ttl: TTL_SECONDS, data: { port, target: `${label}.local` } },
      { name: instance, type: 'TXT', ttl: TTL_SECONDS, data: txt },
    ],
  };
}

/** @param sender where the packet came from: a node is where it speaks from */
function readSighting(records: readonly DnsRecord[], tag: string, sender: string): Sighting | undefined {
  const txt = records.find(({ type, name }) => type === 'TXT' && isInstance(name));
  const srv = records.find(({ type, name }) => type === 'SRV' && name === txt?.name);
  if (txt === undefined || srv === undefined) return undefined;
  const fields = textFields(txt.data);
  const node = fields.get('id') ?? '';
  if (fields.get('c') !== tag || !isNodeId(node)) return undefined;
  const { port, target } = (srv.data ?? {}) as { readonly port?: unknown; readonly target?: unknown };
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  const told = records.flatMap(({ type, name, data }) => (type === 'A' && name === target ? [data] : []));
  const ips = [sender, ...told].filter((ip): ip is string => typeof ip === 'string' && isIPv4(ip));
  const addresses = [...new Set(ips)].slice(0, MOST_ADDRESSES).map((ip) => `${ip}:${port}`);
  return addresses.length === 0 ? undefined : { node, addresses };
}

/** `key=value` strings; the first of a key counts (RFC 6763, section 6.4). */
function textFields(data: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of Array.isArray(data) ? data : [data]) {
    const text = Buffer.isBuffer(part) ? part.toString('latin1') : String(part);
    const [, key, value] = /^([a-z]{1,9})=(.{0,200})$/.exec(text) ?? [];
    if (key !== undefined && value !== undefined && !fields.has(key)) fields.set(key, value);
  }
  return fields;
}

function asksForNodes({ name, type }: { readonly name: string; readonly type: string }): boolean {
  return name.toLowerCase() === SERVICE && (type === 'PTR' || type === 'ANY');
}

const isInstance = (name: unknown): boolean =>
  typeof name === 'string' && name.toLowerCase().endsWith(`.${SERVICE}`);

/** At once, or when the last run is long enough ago; asked for many times in between, once. */
function throttled(everyMs: number, work: () => void): { soon(): void; stop(): void } {
  let lastMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const run = (): void => {
    timer = undefined;
    lastMs = performance.now();
    work();
  };
  return {
    soon() {
      timer ??= setTimeout(run, Math.max(0, lastMs + everyMs - performance.now()));
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
