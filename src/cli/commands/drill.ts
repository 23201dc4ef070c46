/** `disktro drill`: restores a random sample; exit 13 when something is not what was stored, else 14 when it is missing. */
import { DisktroError } from '../../errors.js';
import { MIB } from '../../limits.js';
import { openedHome, type Vault } from '../../ops/home/vault.js';
import { type DrillFailure, type DrillResult, drill, type Sample } from '../../ops/upkeep/drill.js';
import { type Context, openVault, progressOf } from '../context.js';
import { escapeControls } from '../escape.js';
import { clusterOf, type LimitFlags, limitedContext } from '../node-context.js';
import { count, formatBytes, formatSeconds, rateRemark } from '../units.js';

interface DrillFlags extends LimitFlags {
  readonly sample?: Sample;
  readonly seed?: number;
}

const DEFAULT_SAMPLE: Sample = { bytes: 1024 * MIB };

export async function run(given: Context, _operands: readonly string[], flags: DrillFlags): Promise<void> {
  const context = limitedContext(given, flags);
  await using vault = await openVault(context);
  const result = await tryOut(context, vault, flags);
  const { output } = context;
  if (output.isJson) output.record(result);
  else output.result(summary(result));
  throwOnFailure(result);
}

async function tryOut(context: Context, vault: Vault, flags: DrillFlags): Promise<DrillResult> {
  const { output, signal, config } = context;
  const cluster = await clusterOf(context, openedHome(vault));
  await using _closing = { [Symbol.asyncDispose]: async () => cluster?.close() };
  const peers = cluster === undefined ? undefined : await import('../../ops/copies/peer-source.js');
  using progress = await progressOf(context, { label: 'drill', unit: 'bytes' });
  return await drill(vault, {
    sample: flags.sample ?? DEFAULT_SAMPLE,
    seed: flags.seed,
    workers: config.workers,
    signal,
    ...(cluster && peers ? { source: new peers.PeerSource(openedHome(vault), cluster) } : {}),
    onProgress: (facts) => progress.update({ done: facts.bytes, total: facts.totalBytes }, facts),
    onFailure: (failure) => {
      if (output.isJson) output.event({ failure });
      else output.notice(escapeControls(failureText(failure)), {});
    },
  });
}

function failureText({ id, path, message }: DrillFailure): string {
  return `${id}${path === null ? '' : `:${path}`}: ${message}`;
}

/** `restored 12 files, from 2 of 3 stored, 1.0 GiB in 9 s (110 MiB/s): all right (seed 2811)`. */
function summary({
  files,
  manifests,
  stored,
  bytes,
  failed,
  fetchedFromPeers,
  seed,
  seconds,
}: DrillResult): string {
  if (manifests === 0) return 'nothing is stored yet';
  const verdict = failed.length === 0 ? 'all right' : `${failed.length} NOT right`;
  const peersText = fetchedFromPeers > 0 ? `, ${count(fetchedFromPeers, 'object')} from peers` : '';
  const time = `${formatSeconds(seconds)}${rateRemark(bytes, seconds)}`;
  return `restored ${count(files, 'file')}, from ${manifests} of ${stored} stored, ${formatBytes(bytes)} in ${time}${peersText}: ${verdict} (seed ${seed})`;
}

const ABSENT = ['E_OBJECT_MISSING', 'E_PEER_UNREACHABLE'];

function throwOnFailure({ failed, files }: DrillResult): void {
  if (failed.length === 0) return;
  const isMissing = failed.every(({ code }) => ABSENT.includes(code));
  const what = isMissing ? 'could not be restored: objects are missing' : 'could not be restored as stored';
  throw new DisktroError(
    isMissing ? 'E_OBJECT_MISSING' : 'E_CORRUPT',
    `${failed.length} of ${count(files, 'file')} ${what}`,
    {
      hint: 'run `disktro verify --read-data` to see everything that is wrong, and `disktro repair` to fetch it from peers',
      details: { failed: failed.length, files },
    },
  );
}
