// Runs something once to count its steps, then once for each step with that step failing or the process dying there,
// and looks each time at what is left.
import type { Test } from 'tap';
import type { CommitObserver } from '../../src/catalog/catalog.js';
import { isDisktroError } from '../../src/errors.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import type { Acknowledged } from './expect-intact.js';
import { breaches, leftInTemporary } from './expect-intact.js';
import type { Call, Fault } from './fault-file-system.js';
import { FaultFileSystem, TAKES_SPACE } from './fault-file-system.js';
import { promptFileSystem } from './prompt-file-system.js';
import { HomeImage, openScratch, TINY_SIZES } from './scratch-home.js';

/** What is run; it enters what it has been promised into `acknowledged` as soon as it has been. */
export type Run = (vault: OpenVault, acknowledged: Map<string, Buffer>) => Promise<void>;

export interface Sweep {
  readonly home: string;
  /** What `home` holds before each run. */
  readonly before: HomeImage;
  readonly acknowledged: Acknowledged;
  readonly run: Run;
  readonly faults: readonly Fault[];
  /** Leave out operations that change nothing on the disk. */
  readonly onlyChanges?: boolean;
  /** Whether to run it once more afterwards; default: yes. */
  readonly runAgain?: boolean;
}

/** One place to fail: an operation, or a commit to die at. */
export type Point =
  | { readonly fault: Fault; readonly at: number; readonly call: Call }
  | { readonly fault: 'kill'; readonly moment: 'before-commit' | 'after-commit'; readonly at: number };

/** Operations that only look: of a long row of them every 64th is enough. */
const LOOKS = new Set(['stat', 'readFolder']);
const LONG_ROW = 2;
const EVERY = 64;

export function describePoint(point: Point): string {
  return 'call' in point
    ? `${point.fault} at operation ${point.at}, ${point.call.name}`
    : `kill ${point.moment} ${point.at}`;
}

/** All points of a run that made these calls and so many commits. */
export function pointsOf(calls: readonly Call[], commits: number, faults: readonly Fault[]): Point[] {
  const points: Point[] = [];
  let row = 0;
  for (const [at, call] of calls.entries()) {
    row = LOOKS.has(call.name) && calls[at - 1]?.name === call.name ? row + 1 : 0;
    if (row > LONG_ROW && row % EVERY !== 0) continue;
    for (const fault of faults) {
      if (fault !== 'ENOSPC' || TAKES_SPACE.has(call.name)) points.push({ fault, at, call });
    }
  }
  for (let at = 0; at < commits; at++) {
    for (const moment of ['before-commit', 'after-commit'] as const)
      points.push({ fault: 'kill', moment, at });
  }
  return points;
}

/** @returns the number of points that were tried */
export async function sweepFaults(test: Test, sweep: Sweep): Promise<number> {
  const counted = await countSteps(sweep);
  const isTried = (point: Point): boolean => sweep.onlyChanges !== true || !isLookAt(point);
  const points = pointsOf(counted.calls, counted.commits, sweep.faults).filter(isTried);
  const failures: string[] = [];
  for (const point of points) {
    for (const breach of await tryPoint(sweep, point)) failures.push(`${describePoint(point)}: ${breach}`);
  }
  test.same(
    failures,
    [],
    `${points.length} points: ${counted.calls.length} operations, ${counted.commits} commits`,
  );
  return points.length;
}

function isLookAt(point: Point): boolean {
  return 'call' in point && ['stat', 'readFolder', 'space', 'read', 'close'].includes(point.call.name);
}

async function countSteps({
  home,
  before,
  acknowledged,
  run,
}: Sweep): Promise<{ calls: Call[]; commits: number }> {
  before.restoreTo(home);
  let commits = 0;
  const counting = new FaultFileSystem(promptFileSystem);
  const commitObserver: CommitObserver = (moment) => {
    if (moment === 'after-commit') commits++;
  };
  const vault = await openScratch(home, { fileSystem: counting, sizes: TINY_SIZES, commitObserver });
  await run(vault, new Map(acknowledged));
  const calls = [...counting.calls];
  const inRun = commits;
  await vault.close();
  return { calls, commits: inRun };
}

async function tryPoint(sweep: Sweep, point: Point): Promise<string[]> {
  const { home, before, run } = sweep;
  before.restoreTo(home);
  const acknowledged = new Map(sweep.acknowledged);
  const error = await runWithFault(sweep, point, acknowledged);
  const found = wrongError(error, point);
  const after = await openScratch(home, { fileSystem: promptFileSystem, sizes: TINY_SIZES });
  try {
    found.push(...leftInTemporary(after).map((name) => `tmp/${name} is left`));
    found.push(...(await breaches(after, acknowledged)));
    if (sweep.runAgain === false) return found;
    await run(after, acknowledged);
    found.push(...(await breaches(after, acknowledged)).map((breach) => `after a second run: ${breach}`));
  } catch (error) {
    found.push(`a second run fails: ${String(error)}`);
  } finally {
    await after.close();
  }
  return found;
}

/** Leaves the home as the fault left it: when the process died, as it was at that moment. */
async function runWithFault(
  { home, run }: Sweep,
  point: Point,
  acknowledged: Map<string, Buffer>,
): Promise<unknown> {
  const faults = new FaultFileSystem(promptFileSystem, 'call' in point ? point : undefined);
  const commitObserver = 'moment' in point ? faults.killingObserver(point.moment, point.at) : faults.observer;
  let vault: OpenVault | undefined;
  let failure: unknown;
  try {
    vault = await openScratch(home, { fileSystem: faults, sizes: TINY_SIZES, commitObserver });
    await run(vault, acknowledged);
  } catch (error) {
    failure = error;
  }
  const atDeath = faults.isDead ? HomeImage.of(home) : undefined;
  await vault?.close().catch(() => {});
  atDeath?.restoreTo(home);
  return failure;
}

function wrongError(error: unknown, { fault }: Point): string[] {
  if (error === undefined || fault === 'kill') return [];
  const expected = fault === 'EIO' ? 'E_IO' : 'E_NO_SPACE';
  return isDisktroError(error, expected) ? [] : [`expected ${expected}, got ${String(error)}`];
}
