/** What is fetched from peers while files are read, and how progress tells of it. */
import type { NodeId } from '../core/ids.js';
import type { Cluster } from '../ops/cluster/cluster.js';
import type { ObjectSource } from '../ops/copies/peer-source.js';
import type { Vault } from '../ops/home/vault.js';
import { openedHome } from '../ops/home/vault.js';
import type { ReassembleProgress } from '../ops/read/read-options.js';
import { type Context, openVault } from './context.js';
import { clusterOf, memberNames } from './node-context.js';
import type { Progress } from './progress.js';
import { count } from './units.js';

/** Where what is missing comes from, and what has come so far. */
export interface Fetching {
  readonly source: ObjectSource;
  sofar(): {
    readonly fetchedBytes: number;
    readonly peers: Readonly<Record<string, number>>;
    /** For the progress bar. */
    readonly text: string;
  };
}

const NOTHING_FETCHED = { fetchedBytes: 0, peers: {}, text: '' };

export async function fetchingFrom(vault: Vault, cluster: Cluster): Promise<Fetching> {
  const [{ PeerSource }, { bytesByPeer, peersText }] = await Promise.all([
    import('../ops/copies/peer-source.js'),
    import('./copy-progress.js'),
  ]);
  const nameOf = memberNames(cluster);
  const nodes = new Map<NodeId, number>();
  let fetchedBytes = 0;
  const source = new PeerSource(openedHome(vault), cluster, (node, bytes) => {
    fetchedBytes += bytes;
    nodes.set(node, (nodes.get(node) ?? 0) + bytes);
  });
  return {
    source,
    sofar() {
      const peers = bytesByPeer(nodes, nameOf);
      return { fetchedBytes, peers, text: fetchedBytes === 0 ? '' : `, from ${peersText(peers)}` };
    },
  };
}

/** The vault, and where what is not here whole is read from. */
export interface ReadingDoors {
  readonly vault: Vault;
  /** undefined: there are no peers. */
  readonly source: ObjectSource | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

/** For commands that look into files and change nothing. The caller closes it. */
export async function openToRead(context: Context): Promise<ReadingDoors> {
  const vault = await openVault(context, { isReadOnly: true });
  let cluster: Cluster | undefined;
  const close = async (): Promise<void> => {
    await cluster?.close();
    await vault.close();
  };
  try {
    cluster = await clusterOf(context, openedHome(vault));
    const source = cluster === undefined ? undefined : (await fetchingFrom(vault, cluster)).source;
    return { vault, source, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

export function showProgress(
  progress: Progress,
  facts: ReassembleProgress,
  fetching: Fetching | undefined,
): void {
  const { fetchedBytes, peers, text } = fetching?.sofar() ?? NOTHING_FETCHED;
  const detail = `${count(facts.chunks, 'chunk')}${text}`;
  progress.update({ done: facts.bytes, total: facts.totalBytes, detail }, { ...facts, fetchedBytes, peers });
}
