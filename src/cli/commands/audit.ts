/** `disktro audit`: other nodes prove that they hold what they should. No password. */
import type { NodeId } from '../../core/ids.js';
import { DisktroError, notFound } from '../../errors.js';
import { type AuditResult, audit } from '../../ops/copies/audit.js';
import { openedHome } from '../../ops/home/vault.js';
import { type Context, openHome, progressOf } from '../context.js';
import { clusterOf, memberNames } from '../node-context.js';
import { count } from '../units.js';

interface AuditFlags {
  /** Seconds. */
  readonly budget?: number;
}

const DEFAULT_BUDGET_SECONDS = 60;

export async function run(context: Context, _operands: readonly string[], flags: AuditFlags): Promise<void> {
  const { output, signal } = context;
  await using opened = await openHome(context);
  const home = openedHome(opened);
  const cluster = await clusterOf(context, home);
  if (cluster === undefined) throw notFound('this node is in no cluster', 'run `disktro peers join` first');
  await using _closing = { [Symbol.asyncDispose]: () => cluster.close() };
  const nameOf = memberNames(cluster);
  using progress = await progressOf(context, { label: 'audit', unit: 'count' });
  const result = await audit(home, cluster, {
    budgetMs: (flags.budget ?? DEFAULT_BUDGET_SECONDS) * 1000,
    signal,
    onProgress: (facts) => progress.update({ done: facts.checked, total: undefined }, facts),
    onSilence: (node, error) =>
      output.warning(`${nameOf(node)} was not audited: ${error instanceof Error ? error.message : error}`),
  });
  progress.stop();
  report(context, result, nameOf);
  if (result.failed.length > 0) throw failureOf(result);
  if (result.silent.length > 0 && result.checked === 0) throw silenceOf(result, nameOf);
}

function report({ output }: Context, result: AuditResult, nameOf: (node: NodeId) => string): void {
  const { checked, coverage, confidence, failed, awaited } = result;
  if (output.isJson) output.record(result);
  else {
    for (const { node, id } of failed) output.result(`failed  ${nameOf(node)}  ${id}`);
    output.result(
      `${count(checked, 'proof')}, ${percent(coverage)} of the copies on other nodes looked at, ` +
        `${percent(confidence)} sure that less than 1 % is lost`,
    );
  }
  if (awaited > 0) {
    output.note(`${count(awaited, 'copy', 'copies')} not made yet: \`disktro serve\` makes them`);
  }
}

/** Never rounded up: 99.99 % is not certainty. */
const percent = (share: number): string => `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;

/** Nothing was proven at all: a script must not take it for success. */
function silenceOf({ silent }: AuditResult, nameOf: (node: NodeId) => string): DisktroError {
  return new DisktroError('E_PEER_UNREACHABLE', `not audited: ${silent.map(nameOf).join(', ')}`, {
    hint: 'bring them up and run it again',
    details: { nodes: silent },
  });
}

function failureOf({ failed }: AuditResult): DisktroError {
  const nodes = new Set(failed.map(({ node }) => node));
  return new DisktroError(
    'E_OBJECT_MISSING',
    `${count(failed.length, 'copy', 'copies')} not proven by ${count(nodes.size, 'node')}`,
    {
      hint: 'they do not count as copies any more: `disktro serve` makes them again',
      details: { failed: failed.length, nodes: [...nodes] },
    },
  );
}
