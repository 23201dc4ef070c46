/** `disktro forget`: thins out what is stored by rules, and shows why each of it stays. */
import { isatty } from 'node:tty';
import { usageError } from '../../errors.js';
import { NodeFiles } from '../../ops/cluster/node-files.js';
import { isFilterEmpty } from '../../ops/files/file-filter.js';
import type { RemoveResult } from '../../ops/files/files.js';
import { resolveFileId } from '../../ops/files/resolve.js';
import type { Vault } from '../../ops/home/vault.js';
import { openedHome } from '../../ops/home/vault.js';
import type { CalendarSpan } from '../../ops/upkeep/calendar-span.js';
import {
  type ForgetGroup,
  forgetFiles,
  type GroupPart,
  groupTitle,
  planForget,
} from '../../ops/upkeep/forget.js';
import { areRulesEmpty, type KeepRules } from '../../ops/upkeep/retention.js';
import { collectWith, openToCollect, reportCollection } from '../collecting.js';
import { type Context, openVault } from '../context.js';
import { escapeControls } from '../escape.js';
import { type FilterFlags, filterOf } from '../filter-flags.js';
import { clusterOf } from '../node-context.js';
import { openForIds } from '../open-for-ids.js';
import { tableLines } from '../table.js';
import { count, formatBytes, formatLocalTime } from '../units.js';
import { graceText, removalText } from './rm.js';

interface ForgetFlags extends FilterFlags {
  readonly keepLast?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
  readonly keepTag?: readonly (readonly string[])[];
  readonly keepWithin?: CalendarSpan;
  readonly keepWithinHourly?: CalendarSpan;
  readonly keepWithinDaily?: CalendarSpan;
  readonly keepWithinWeekly?: CalendarSpan;
  readonly keepWithinMonthly?: CalendarSpan;
  readonly keepWithinYearly?: CalendarSpan;
  readonly groupBy?: readonly GroupPart[];
  readonly dryRun?: boolean;
  readonly gc?: boolean;
  readonly grace?: number;
  readonly unsafeAllowRemoveAll?: boolean;
}

const DEFAULT_GROUPS: readonly GroupPart[] = ['host', 'path'];
const SHORT_ID_DIGITS = 12;

export async function run(context: Context, texts: readonly string[], flags: ForgetFlags): Promise<void> {
  if (texts.length > 0) return await forgetNamed(context, texts, flags);
  const isDryRun = flags.dryRun ?? false;
  await using vault = await openVault(context, { isReadOnly: isDryRun });
  const groups = planForget(vault, {
    rules: rulesOf(flags),
    filter: filterOf(context, flags),
    groupBy: flags.groupBy ?? DEFAULT_GROUPS,
    mayRemoveAll: flags.unsafeAllowRemoveAll ?? false,
  });
  const going = groups.flatMap(({ files }) => files.filter(({ reasons }) => reasons.length === 0));
  const ids = going.map(({ id }) => id);
  const result = isDryRun ? { removed: ids, tombstoned: 0, tombstonedBytes: 0 } : forgetFiles(vault, ids);
  showGroups(context, groups);
  const freed = flags.gc && !isDryRun ? await collectIn(context, vault, flags) : undefined;
  const files = groups.reduce((sum, group) => sum + group.files.length, 0);
  report(context, { ...result, kept: files - ids.length, dryRun: isDryRun }, freed);
}

/** Removes just these, as `rm` does. */
async function forgetNamed(context: Context, texts: readonly string[], flags: ForgetFlags): Promise<void> {
  if (!areRulesEmpty(rulesOf(flags)) || !isFilterEmpty(filterOf(context, flags))) {
    throw usageError('expected ids, or rules and filters, got both', 'rules choose by themselves what goes');
  }
  const isDryRun = flags.dryRun ?? false;
  const result = await removeNamed(context, texts, isDryRun);
  if (!context.output.isJson) for (const id of result.removed) context.output.result(id);
  const freed = flags.gc && !isDryRun ? await collectApart(context, flags) : undefined;
  report(context, { ...result, dryRun: isDryRun }, freed);
}

async function removeNamed(
  context: Context,
  texts: readonly string[],
  isDryRun: boolean,
): Promise<RemoveResult> {
  await using home = await openForIds(context, texts);
  const ids = [...new Set(texts.map((text) => resolveFileId(home, text)))];
  return isDryRun ? { removed: ids, tombstoned: 0, tombstonedBytes: 0 } : forgetFiles(home, ids);
}

function rulesOf(flags: ForgetFlags): KeepRules {
  const defined = <T extends object>(values: T) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return {
    counts: defined({
      last: flags.keepLast,
      hourly: flags.keepHourly,
      daily: flags.keepDaily,
      weekly: flags.keepWeekly,
      monthly: flags.keepMonthly,
      yearly: flags.keepYearly,
    }),
    within: defined({
      all: flags.keepWithin,
      hourly: flags.keepWithinHourly,
      daily: flags.keepWithinDaily,
      weekly: flags.keepWithinWeekly,
      monthly: flags.keepWithinMonthly,
      yearly: flags.keepWithinYearly,
    }),
    tags: flags.keepTag ?? [],
  };
}

async function collectIn(context: Context, vault: Vault, flags: ForgetFlags) {
  const home = openedHome(vault);
  const others = await new NodeFiles(home).otherMembers();
  const cluster = others.length === 0 ? undefined : await clusterOf(context, home);
  await using _closing = { [Symbol.asyncDispose]: async () => cluster?.close() };
  return await collectWith(context, { home: vault, vault, cluster }, gcFlags(flags));
}

async function collectApart(context: Context, flags: ForgetFlags) {
  await using doors = await openToCollect(context);
  return await collectWith(context, doors, gcFlags(flags));
}

const gcFlags = ({ grace }: ForgetFlags) => (grace === undefined ? {} : { grace });

/** With -q only what goes: what cron mails is what has changed. */
function showGroups({ output }: Context, groups: readonly ForgetGroup[]): void {
  const isForPeople = isatty(1);
  for (const group of groups) {
    const { files, ...facts } = group;
    if (output.isJson) {
      const shown = files.map(({ reasons, createdMs, ...file }) => ({
        file: { ...file, created: new Date(createdMs).toISOString() },
        reasons,
      }));
      const keep = shown
        .filter(({ reasons }) => reasons.length > 0)
        .map(({ file, reasons }) => ({ ...file, reasons }));
      const remove = shown.filter(({ reasons }) => reasons.length === 0).map(({ file }) => file);
      output.record({ group: facts, keep, remove });
      continue;
    }
    if (output.isQuiet) {
      for (const { id, reasons } of files) if (reasons.length === 0) output.result(id);
      continue;
    }
    output.result(output.styles.stdout.heading(escapeControls(groupTitle(group))));
    for (const [index, line] of tableLines(files.map((file) => rowOf(file, isForPeople))).entries()) {
      const isKept = (files[index]?.reasons.length ?? 0) > 0;
      output.result(isKept ? line : output.styles.stdout.faint(line));
    }
  }
}

function rowOf(file: ForgetGroup['files'][number], isForPeople: boolean): string[] {
  return [
    file.reasons.length > 0 ? 'keep  ' : 'remove',
    isForPeople ? file.id.slice(0, SHORT_ID_DIGITS) : file.id,
    formatLocalTime(new Date(file.createdMs).toISOString()),
    formatBytes(file.bytes),
    escapeControls(file.reasons.join(', ')),
  ];
}

interface Report extends RemoveResult {
  /** How many stay, when rules were asked. */
  readonly kept?: number;
  readonly dryRun: boolean;
}

function report(
  context: Context,
  result: Report,
  gc: Awaited<ReturnType<typeof collectWith>> | undefined,
): void {
  const { output } = context;
  if (output.isJson) output.record({ ...result, ...(gc === undefined ? {} : { gc }) });
  const { removed, kept, dryRun } = result;
  const keptText = kept === undefined ? '' : `, ${kept} kept`;
  if (dryRun) output.note(`would remove ${count(removed.length, 'file')}${keptText}`);
  else if (removed.length === 0) output.note(`nothing to remove${keptText}`);
  else output.note(`${removalText(result)}${keptText}${gc === undefined ? `: ${graceText(context)}` : ''}`);
  if (gc !== undefined) reportCollection(context, gc, false);
}
