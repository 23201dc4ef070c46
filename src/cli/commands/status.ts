/** `disktro status`: home, vault, objects, copies and peers at a glance. No password. */
import { homeStatus, type Status } from '../../ops/status.js';
import { openedHome } from '../../ops/vault.js';
import { type Context, openHome } from '../context.js';
import { escapeControls } from '../escape.js';
import { clusterOf } from '../node-context.js';
import { tableLines } from '../table.js';
import { count, formatBytes, formatLocalTime } from '../units.js';

export async function run(context: Context): Promise<void> {
  const { output, config } = context;
  await using home = await openHome(context, { isReadOnly: true });
  const cluster = await clusterOf(context, openedHome(home));
  await using _closing = { [Symbol.asyncDispose]: async () => cluster?.close() };
  const status = await homeStatus(home, { replicas: config.replica_count, cluster, signal: context.signal });
  if (output.isJson) {
    output.record(status);
    return;
  }
  const rows = factsOf(status, config.replica_count).map(([label, value]) => [
    `${label}:`,
    escapeControls(value),
  ]);
  for (const line of tableLines(rows)) output.result(line);
}

function factsOf(status: Status, replicas: number): [label: string, value: string][] {
  const { online, unreachable, offline } = status.peers;
  return [
    ['home', status.home],
    ['vault', status.vaultId ?? 'none'],
    ['node', status.nodeId ?? 'none yet'],
    ['files', String(status.files)],
    ['objects', `${status.objects} (${formatBytes(status.bytes)})`],
    ['for others', `${count(status.held.objects, 'object')} (${formatBytes(status.held.bytes)})`],
    ['degraded', `${count(status.degradedObjects, 'object')} with fewer than ${replicas} copies`],
    ['waiting for gc', count(status.tombstoned, 'object')],
    ['free space', formatBytes(status.freeBytes)],
    ['peers', `${online} online, ${unreachable} unreachable, ${offline} offline`],
    ['last chunk', status.lastChunk === null ? 'never' : formatLocalTime(status.lastChunk)],
    ['last verify', status.lastVerify === null ? 'never' : formatLocalTime(status.lastVerify)],
  ];
}
