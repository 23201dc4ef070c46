/** How a home stands: what it holds, how safe it is, when it was last used and checked. */
import { countDegraded } from '../../catalog/copies.js';
import { countFiles, newestOfEachPath } from '../../catalog/files.js';
import { heldTotals } from '../../catalog/holdings.js';
import type { MetaKey } from '../../catalog/meta.js';
import { getMeta } from '../../catalog/meta.js';
import type { FileId, NodeId } from '../../core/ids.js';
import { abortedError } from '../../errors.js';
import type { MemberStatus } from '../../net/liveness.js';
import type { Cluster } from '../cluster/cluster.js';
import { contactAsServing } from '../cluster/contact.js';
import { NodeFiles } from '../cluster/node-files.js';
import { openFacts } from '../files/stored-facts.js';
import type { Home, OpenHome } from './home.js';
import { vaultIdOfHome } from './home.js';
import { OpenVault, openedHome } from './vault.js';

export interface Status {
  readonly home: string;
  /** The bucket that holds the objects; null when they are in the home. */
  readonly store: string | null;
  readonly vaultId: string | null;
  readonly nodeId: string | null;
  readonly objects: number;
  readonly bytes: number;
  readonly files: number;
  /** Objects that files here need, with fewer copies than wanted. */
  readonly degradedObjects: number;
  /** Objects that nothing needs any more and that `gc` has not freed yet. */
  readonly tombstoned: number;
  readonly freeBytes: number;
  /** What is kept for other nodes' vaults. */
  readonly held: { readonly objects: number; readonly bytes: number };
  readonly peers: Readonly<Record<MemberStatus, number>>;
  /** When each last succeeded: ISO 8601, UTC; null when it never did. */
  readonly lastChunk: string | null;
  readonly lastVerify: string | null;
  readonly lastGc: string | null;
  readonly lastForget: string | null;
  readonly lastDrill: string | null;
  /** The newest of each path that files or trees lay at. */
  readonly newest: readonly NewestOfPath[];
}

export interface NewestOfPath {
  readonly id: FileId;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** ISO 8601, UTC: when a restored sample was last found right; null when never. */
  readonly proven: string | null;
  /** Where it lay; null without the vault's key. */
  readonly host: string | null;
  readonly path: string | null;
}

export interface StatusOptions {
  /** Copies wanted of each object, this node's included. */
  readonly replicas: number;
  /** Its members are asked whether they are there. */
  readonly cluster?: Cluster | undefined;
  readonly signal?: AbortSignal | undefined;
}

const ASK_MS = 2_000;

/** @throws E_ABORTED; a member that does not answer within two seconds is unreachable and no error */
export async function homeStatus(home: Home, { replicas, cluster, signal }: StatusOptions): Promise<Status> {
  const answers: Answers = cluster === undefined ? new Map() : await askPeers(cluster, signal);
  const counted = cluster === undefined ? [] : countedOf(cluster, answers);
  const peers = { ...NO_PEERS };
  for (const status of answers.values()) peers[status]++;
  const open = openedHome(home);
  const nodeId = cluster?.self ?? (await new NodeFiles(open).read())?.id ?? null;
  const facts = await homeFacts(open, replicas, counted);
  return { ...facts, store: open.outer?.where ?? null, nodeId, peers, newest: newestOf(home) };
}

/** What a home knows by itself. @param counted other nodes whose copies count */
export async function homeFacts(
  open: OpenHome,
  replicas: number,
  counted: readonly NodeId[],
): Promise<Omit<Status, 'store' | 'nodeId' | 'peers' | 'newest'>> {
  const { objects, bytes, tombstoned } = open.objects.totals();
  const { freeBytes } = await open.fileSystem.space(open.path);
  const time = (key: MetaKey): string | null => {
    const ms = getMeta(open.catalog, key);
    return typeof ms === 'number' ? new Date(ms).toISOString() : null;
  };
  return {
    home: open.path,
    vaultId: (await vaultIdOfHome(open)) ?? null,
    objects,
    bytes,
    files: countFiles(open.catalog),
    degradedObjects: countDegraded(open.catalog, replicas, counted),
    tombstoned,
    freeBytes,
    held: heldTotals(open.catalog),
    lastChunk: time('last_chunk_ms'),
    lastVerify: time('last_verify_ms'),
    lastGc: time('last_gc_ms'),
    lastForget: time('last_forget_ms'),
    lastDrill: time('last_drill_ms'),
  };
}

function newestOf(home: Home): readonly NewestOfPath[] {
  return newestOfEachPath(openedHome(home).catalog).map((row) => {
    const facts = home instanceof OpenVault ? openFacts(home, row) : undefined;
    return {
      id: row.id,
      created: new Date(row.createdMs).toISOString(),
      proven: row.provenMs === undefined ? null : new Date(row.provenMs).toISOString(),
      host: facts?.host ?? null,
      path: facts?.path === undefined ? null : Buffer.from(facts.path).toString('utf8'),
    };
  });
}

const NO_PEERS: Record<MemberStatus, number> = { online: 0, unreachable: 0, offline: 0 };

type Answers = ReadonlyMap<NodeId, MemberStatus>;

/** Who has not answered when time is up is unreachable. */
async function askPeers(cluster: Cluster, signal: AbortSignal | undefined): Promise<Answers> {
  const deadline = AbortSignal.timeout(ASK_MS);
  const both = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  const answers = new Map<NodeId, MemberStatus>();
  await Promise.all(
    cluster.everyone().map(async (node) => {
      answers.set(node, (await contactAsServing(cluster, node, both)).status);
    }),
  );
  if (signal?.aborted === true) throw abortedError(signal.reason);
  return answers;
}

/** Without who is not there and was last seen longer ago than the grace: a command does not watch, as `serve` does. */
function countedOf(cluster: Cluster, answers: Answers): readonly NodeId[] {
  const sinceMs = Date.now() - cluster.options.repairGraceSeconds * 1000;
  const isGone = (node: NodeId): boolean =>
    (answers.get(node) ?? 'online') !== 'online' && (cluster.membership.lastSeenMs(node) ?? 0) < sinceMs;
  return cluster.counted().filter((node) => node !== cluster.self && !isGone(node));
}
