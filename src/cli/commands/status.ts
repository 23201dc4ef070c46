/** `disktro status`: home, vault, objects, copies and peers at a glance. No password. */
import type { Home } from '../../ops/home/home.js';
import { homeStatus, type Status } from '../../ops/home/status.js';
import { openedHome } from '../../ops/home/vault.js';
import { type Context, openHome } from '../context.js';
import { escapeControls } from '../escape.js';
import { clusterOf, replicasOf } from '../node-context.js';
import { tableLines } from '../table.js';
import { unaskedVault } from '../unasked-vault.js';
import { count, formatBytes, formatLocalTime } from '../units.js';
import { warnOfUntoldVault } from '../untold-vault.js';

export async function run(context: Context): Promise<void> {
  const { output, config } = context;
  await using home = await openFor(context);
  const cluster = await clusterOf(context, openedHome(home));
  await using _closing = { [Symbol.asyncDispose]: async () => cluster?.close() };
  const replicas = replicasOf(openedHome(home), config);
  const status = await homeStatus(home, { replicas, cluster, signal: context.signal });
  if (output.isJson) output.record(status);
  else {
    const rows = factsOf(status, replicas).map(([label, value]) => [`${label}:`, escapeControls(value)]);
    for (const line of tableLines(rows)) output.result(line);
  }
  await warnOfUntoldVault(context, openedHome(home), cluster);
}

/** With the key where it costs no question: paths are told then. */
async function openFor(context: Context): Promise<Home> {
  const home = await openHome(context, { isReadOnly: true });
  if (!context.output.isJson || home.vaultId === undefined) return home;
  try {
    const vault = await unaskedVault(context, 'paths are not told');
    if (vault === undefined) return home;
    await home.close();
    return vault;
  } catch (error) {
    await home.close();
    throw error;
  }
}

const whenText = (iso: string | null): string => (iso === null ? 'never' : formatLocalTime(iso));

function factsOf(status: Status, replicas: number): [label: string, value: string][] {
  const { online, unreachable, offline } = status.peers;
  return [
    ['home', status.home],
    ...(status.store === null ? [] : [['store', status.store] as [string, string]]),
    ['vault', status.vaultId ?? 'none'],
    ['node', status.nodeId ?? 'none yet'],
    ['files', String(status.files)],
    ['objects', `${status.objects} (${formatBytes(status.bytes)})`],
    ['for others', `${count(status.held.objects, 'object')} (${formatBytes(status.held.bytes)})`],
    ['degraded', `${count(status.degradedObjects, 'object')} with fewer than ${replicas} copies`],
    ['waiting for gc', count(status.tombstoned, 'object')],
    ['free space', formatBytes(status.freeBytes)],
    ['peers', `${online} online, ${unreachable} unreachable, ${offline} offline`],
    ['last chunk', whenText(status.lastChunk)],
    ['last verify', whenText(status.lastVerify)],
    ['last forget', whenText(status.lastForget)],
    ['last gc', whenText(status.lastGc)],
    ['last drill', whenText(status.lastDrill)],
  ];
}
