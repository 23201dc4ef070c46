/**
 * How a vault whose machine did not found the cluster comes to hold the CA's key (docs/PROTOCOL.md, "Recovery"): a member
 * that has the key gives it to one vault, the first that asks, so that its owner can come back when that member is gone.
 */
import type { NodeId } from '../../core/ids.js';
import { privateKeyOfSeed } from '../../core/seed-key.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import { signJson } from '../../net/canonical-json.js';
import { isPair } from '../../net/certificates.js';
import { isSignedByVault } from '../../net/vault-record.js';
import type { OpenHome } from '../home/home.js';
import { vaultIdOfHome } from '../home/home.js';
import type { OpenVault } from '../home/vault.js';
import type { Cluster } from './cluster.js';
import { NodeFiles } from './node-files.js';
import { storedRecord } from './stored-records.js';

export interface AuthorityRequest {
  readonly vault: string;
  /** The node that asks: what one was given is of no use to another. */
  readonly node: string;
  readonly issued_ms: number;
  readonly signature: string;
}

const MOST_AGE_MS = 10 * 60 * 1000;
/** The owner that this process has settled on for a home: the file is read and written between awaits. */
const chosen = new Map<string, string>();

/** Asks these members. @returns the CA's key as PEM, or undefined when none gives it */
export async function askForAuthority(
  vault: OpenVault,
  cluster: Cluster,
  nodes: readonly NodeId[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  const order = { vault: vault.id, node: cluster.self, issued_ms: Date.now() };
  const request = {
    ...order,
    signature: signJson('authority', order, privateKeyOfSeed(vault.keys.signing)),
  };
  for (const node of nodes) {
    try {
      const answer = await cluster.client(node).json('POST', '/authority', request, { signal });
      const { key } = (answer ?? {}) as { readonly key?: unknown };
      if (typeof key === 'string' && isPair(cluster.credentials.caPem, key)) return key;
    } catch (error) {
      if (!isDisktroError(error, 'E_PEER_REFUSED', 'E_PEER_UNREACHABLE')) throw error;
    }
  }
  return undefined;
}

/** The answering side. @throws E_PEER_REFUSED, the same for every reason */
export async function giveAuthority(
  home: OpenHome,
  caller: NodeId | undefined,
  { signature, ...order }: AuthorityRequest,
): Promise<string> {
  const refused = new DisktroError('E_PEER_REFUSED', 'this node does not give the key of its cluster');
  const files = new NodeFiles(home);
  const caKeyPem = (await files.read())?.caKeyPem;
  const record = storedRecord(home, order.vault as OpenVault['id']);
  const isTimely = Math.abs(Date.now() - order.issued_ms) <= MOST_AGE_MS;
  if (caKeyPem === undefined || record === undefined || caller !== order.node || !isTimely) throw refused;
  if (!isSignedByVault('authority', order, record.verify_key, signature)) throw refused;
  // A cluster has one owner. Or any member could make up a vault and take the cluster over.
  const known = (await vaultIdOfHome(home)) ?? (await files.ownerVault());
  const owner = known ?? chosen.get(home.path) ?? order.vault;
  if (owner !== order.vault) throw refused;
  if (known === undefined) {
    chosen.set(home.path, owner);
    await files.writeOwnerVault(owner);
  }
  return caKeyPem;
}
