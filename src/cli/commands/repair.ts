/** `disktro repair`: one round of comparing with every member, sending what they lack and fetching what is lacking here. */
import { countUnderCopied } from '../../catalog/copies.js';
import type { NodeId } from '../../core/ids.js';
import { DisktroError } from '../../errors.js';
import { shortNodeId } from '../../net/node-id.js';
import { contactAll, pingHolders } from '../../ops/cluster/contact.js';
import { NodeFiles } from '../../ops/cluster/node-files.js';
import { HeldWriter } from '../../ops/copies/held-writer.js';
import { importManifests } from '../../ops/copies/import-manifests.js';
import { type RepairResult, repairOnce, wantedCopies } from '../../ops/copies/repair.js';
import { HolderTending, type TendContext } from '../../ops/holders/tend-holder.js';
import { opened, openedHome } from '../../ops/home/vault.js';
import type { Context } from '../context.js';
import { agreeOnRecord, openForPeers } from '../node-context.js';
import { count, formatBytes } from '../units.js';

export async function run(context: Context): Promise<void> {
  const { output, signal, config } = context;
  await using doors = await openForPeers(context);
  const { vault, cluster } = doors;
  const home = openedHome(doors.home);
  if (cluster === undefined) {
    throw new DisktroError('E_NOT_FOUND', 'this home has no peers', {
      hint: 'run `disktro peers invite` here and `disktro peers join` on another machine',
    });
  }
  const failures = new Map<NodeId, unknown>([
    ...(await contactAll(cluster, cluster.everyone(), signal)),
    ...(await pingHolders(cluster, signal)),
  ]);
  await new NodeFiles(home).writeMembers(cluster.membership.snapshot());
  if (vault !== undefined) await agreeOnRecord(context, vault, cluster);
  const imported =
    vault === undefined ? 0 : (await importManifests(opened(vault), cluster, { signal })).imported.length;
  const writer = new HeldWriter(home, { quotaBytes: config.quota, reserveBytes: config.reserve });
  const onFailure = (node: NodeId, error: unknown): unknown => failures.set(node, error);
  const result = await repairOnce({ home, cluster, writer, signal, onFailure });
  await writer.idle();
  const { pushed, fetched, bytes, failed } = await withHolders(result, { home, cluster, signal, onFailure });
  const short = countUnderCopied(home.catalog, wantedCopies(cluster), cluster.counted());
  if (output.isJson) {
    output.record({
      sent: pushed,
      fetched,
      bytes,
      failed,
      short,
      imported,
      unreachable: [...failures.keys()],
    });
  } else {
    const files = imported === 0 ? '' : `, ${count(imported, 'file')} of other machines found`;
    output.result(`${pushed} sent, ${fetched} fetched (${formatBytes(bytes)})${files}`);
  }
  for (const [node, error] of failures) {
    output.warning(`node ${shortNodeId(node)}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (failures.size > 0 && failures.size === cluster.reachable().length) throw [...failures.values()][0];
  if (failed > 0)
    throw incomplete(`${count(failed, 'object')} could not be sent or fetched`, { failed, short });
  // Who is out of reach has been named: what should be there is short until it is back, or no longer counts.
  if (short > 0 && failures.size === 0)
    throw incomplete(`${count(short, 'object')} still too few times on other nodes`, { failed, short });
}

function incomplete(
  message: string,
  details: { readonly failed: number; readonly short: number },
): DisktroError {
  return new DisktroError('E_TOO_FEW_COPIES', message, {
    hint: 'bring the nodes up that are out of reach, let a `chunk` that is running end, and run it again',
    details,
  });
}

/** A person who repairs does not wait for the node that looks after a bucket. */
async function withHolders(result: RepairResult, context: TendContext): Promise<RepairResult> {
  const { fetched } = result;
  let { pushed, bytes, failed } = result;
  for (const holder of context.cluster.holderClients()) {
    const round = await new HolderTending(holder).round(context);
    pushed += round.sent;
    bytes += round.bytes;
    failed += round.failed;
  }
  return { pushed, fetched, bytes, failed };
}
