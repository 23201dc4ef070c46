/** The doors of commands to the node of this home and to its cluster. */
import type { NodeId } from '../core/ids.js';
import { isDisktroError } from '../errors.js';
import type { Cluster, ClusterOptions } from '../ops/cluster/cluster.js';
import type { NodeFiles } from '../ops/cluster/node-files.js';
import type { Home, OpenHome } from '../ops/home/home.js';
import type { Vault } from '../ops/home/vault.js';
import type { Log } from '../server/log.js';
import type { RunningNode } from '../server/running-node.js';
import { type Context, homeOptions, openHome, openVault } from './context.js';
import { escapeControls } from './escape.js';
import { ownVersion } from './own-version.js';

export interface ListenChoice {
  readonly host: string;
  readonly port: number;
  readonly isPortFixed: boolean;
  readonly addresses: readonly string[];
  /** Whether peers on the local network are looked for. */
  readonly isMdnsOn: boolean;
  /** What the API may write files below. */
  readonly outputDir: string;
}

export async function startNode(context: Context, log: Log, choice: ListenChoice): Promise<RunningNode> {
  const { RunningNode: Node } = await import('../server/running-node.js');
  const { config } = context;
  const { outputDir, ...listening } = choice;
  return Node.start({
    ...listening,
    ...clusterOptions(context),
    home: config.home,
    name: config.node_name,
    zone: config.zone,
    version: ownVersion(),
    heartbeatSeconds: config.heartbeat_interval,
    deleteGraceSeconds: config.delete_grace,
    quotaBytes: config.quota,
    reserveBytes: config.reserve,
    uploadLimit: config.limit_upload,
    downloadLimit: config.limit_download,
    peers: config.peers,
    api: {
      outputDir,
      replicaCount: config.replica_count,
      minReplicas: config.min_replicas,
      compression: config.compression,
      workers: config.workers,
      averageChunkBytes: config.chunk_size,
    },
    log,
    onNotice: (message) => log.warning(message),
  });
}

/** The cluster that this home belongs to, or undefined; loads nothing of the network when there is none. */
export async function clusterOf(context: Context, home: OpenHome): Promise<Cluster | undefined> {
  const { existsSync } = await import('node:fs');
  if (!existsSync(home.paths.node)) return undefined;
  const { openCluster } = await import('../ops/cluster/cluster.js');
  return openCluster(home, clusterOptions(context));
}

export interface LimitFlags {
  readonly limitUpload?: number;
  readonly limitDownload?: number;
}

/** The context with the bandwidth that flags allow in place of the configuration's. */
export function limitedContext(context: Context, { limitUpload, limitDownload }: LimitFlags): Context {
  const { config } = context;
  const limits = {
    limit_upload: limitUpload ?? config.limit_upload,
    limit_download: limitDownload ?? config.limit_download,
  };
  return { ...context, config: { ...config, ...limits } };
}

/** A name for each member that no other one has: nodes of one name are told apart by their ids. */
export function memberNames(cluster: Cluster): (node: NodeId) => string {
  return (node) => escapeControls(cluster.nameOf(node));
}

/** Home and node files for commands about the node itself; both are made when there are none. */
export async function withNode<T>(
  context: Context,
  work: (home: OpenHome, files: NodeFiles) => Promise<T>,
): Promise<T> {
  const [{ openNodeHome }, { NodeFiles: Files }] = await Promise.all([
    import('../ops/home/home.js'),
    import('../ops/cluster/node-files.js'),
  ]);
  await using home = await openNodeHome(homeOptions(context));
  return await work(home, new Files(home));
}

/** What a command has that goes with the peers as far as it can. */
export interface PeerDoors {
  readonly home: Home;
  /** undefined: there is none here, or no password. */
  readonly vault: Vault | undefined;
  /** undefined: there are no other nodes. */
  readonly cluster: Cluster | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Home and cluster, and the vault if there are peers and a password. Asks for one only then.
 * @param isVaultWanted whether the vault is wanted even without peers
 */
export async function openForPeers(
  context: Context,
  isVaultWanted: (home: OpenHome) => Promise<boolean> = async () => false,
): Promise<PeerDoors> {
  let home = await openHome(context);
  let vault: Vault | undefined;
  try {
    const [{ openedHome }, { NodeFiles: Files }] = await Promise.all([
      import('../ops/home/vault.js'),
      import('../ops/cluster/node-files.js'),
    ]);
    const others = await new Files(openedHome(home)).otherMembers();
    const hasUse = others.length > 0 || (await isVaultWanted(openedHome(home)));
    if (hasUse && home.vaultId !== undefined) {
      vault = await openVault(context).catch((error: unknown) => {
        if (isDisktroError(error, 'E_PASSWORD_NEEDED')) return undefined;
        throw error;
      });
    }
    if (vault !== undefined) {
      await home.close();
      home = vault;
    }
    const cluster = others.length === 0 ? undefined : await clusterOf(context, openedHome(home));
    const close = async (): Promise<void> => {
      await cluster?.close();
      await home.close();
    };
    return { home, vault, cluster, [Symbol.asyncDispose]: close };
  } catch (error) {
    await home.close();
    throw error;
  }
}

/** Tells the members, or the bucket of this home, the vault's public record, so that any of them can give it back. Never throws. */
export async function agreeOnRecord(
  { output, signal }: Context,
  vault: Vault,
  cluster: Cluster | undefined,
): Promise<void> {
  const { opened } = await import('../ops/home/vault.js');
  const open = opened(vault);
  try {
    if (cluster !== undefined) {
      await (await import('../ops/cluster/vault-record.js')).agreeOnRecord(open, cluster, signal);
    } else if (open.home.outer !== undefined) {
      await (await import('../ops/home/outer-record.js')).publishRecord(open, signal);
    }
  } catch (error) {
    if (signal.aborted) return;
    output.warning(
      `the vault's record was not told to all: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Copies wanted of what is stored from here: a bucket that holds all objects of a home has no others beside it. */
export function replicasOf({ outer }: Pick<OpenHome, 'outer'>, config: Context['config']): number {
  return outer === undefined ? config.replica_count : 1;
}

export function clusterOptions({ config }: Context): ClusterOptions {
  return {
    repairGraceSeconds: config.repair_grace,
    replicaCount: config.replica_count,
    uploadLimit: config.limit_upload,
    downloadLimit: config.limit_download,
  };
}
