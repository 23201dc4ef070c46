/**
 * Thins out what is stored by rules: which files go is decided group by group, and then all of them go in one
 * transaction, as with `rm`. Frees nothing; that is for `gc`.
 */
import { eachFile } from '../../catalog/files.js';
import { setMeta } from '../../catalog/meta.js';
import type { FileId } from '../../core/ids.js';
import { usageError } from '../../errors.js';
import type { FileFilter } from '../files/file-filter.js';
import { fits, isFilterEmpty } from '../files/file-filter.js';
import type { RemoveResult } from '../files/files.js';
import { removeFilesById } from '../files/files.js';
import type { StoredFacts } from '../files/stored-facts.js';
import { openFacts } from '../files/stored-facts.js';
import type { Home } from '../home/home.js';
import type { Vault } from '../home/vault.js';
import { opened, openedHome } from '../home/vault.js';
import type { KeepRules } from './retention.js';
import { areRulesEmpty, decideRetention } from './retention.js';

export type GroupPart = 'host' | 'path' | 'tags';

export interface ForgetOptions {
  readonly rules: KeepRules;
  readonly filter: FileFilter;
  /** What files of one group have in common; of nothing: all are one group. */
  readonly groupBy: readonly GroupPart[];
  /** Let the rules remove all of a group, and without rules all that fits the filter. */
  readonly mayRemoveAll: boolean;
  /** Milliseconds since 1970-01-01 UTC; default: now. */
  readonly nowMs?: number;
}

export interface Judged {
  readonly id: FileId;
  readonly name: string;
  readonly createdMs: number;
  readonly tags: readonly string[];
  readonly bytes: number;
  /** Why it stays; none: it goes. */
  readonly reasons: readonly string[];
}

export interface ForgetGroup {
  readonly host: string | null;
  readonly path: string | null;
  /** Of files that lay nowhere, which go by their names. */
  readonly name: string | null;
  readonly tags: readonly string[] | null;
  /** Newest first. */
  readonly files: readonly Judged[];
}

/**
 * Decides what goes; removes nothing.
 * @throws E_USAGE when there is no rule, or the rules keep nothing of a group and that was not asked for
 */
export function planForget(vault: Vault, options: ForgetOptions): readonly ForgetGroup[] {
  checkRules(options);
  const groups = groupsOf(vault, options);
  const nowMs = options.nowMs ?? Date.now();
  return groups.map(({ members, ...group }) => {
    const files = decideRetention(members, options.rules, nowMs).map(({ item, reasons }) => ({
      ...item,
      reasons,
    }));
    if (!options.mayRemoveAll && files.every(({ reasons }) => reasons.length === 0))
      throw keepsNothing(group);
    return { ...group, files };
  });
}

/** Removes these files in one transaction. @throws E_READ_ONLY, E_LOCKED, E_IO: then none of them is gone */
export function forgetFiles(home: Home, ids: readonly FileId[]): RemoveResult {
  const result = removeFilesById(home, ids);
  const { catalog } = openedHome(home);
  catalog.write(() => setMeta(catalog.database, 'last_forget_ms', Date.now()));
  return result;
}

function checkRules({ rules, filter, mayRemoveAll }: ForgetOptions): void {
  if (!areRulesEmpty(rules)) return;
  if (!mayRemoveAll) {
    throw usageError(
      'expected a rule that keeps something, got none',
      'such as --keep-daily 7 --keep-weekly 5',
    );
  }
  if (isFilterEmpty(filter)) {
    throw usageError('expected a rule or a filter: without either every stored file would go');
  }
}

type Candidate = Omit<Judged, 'reasons'>;
type GroupFacts = Omit<ForgetGroup, 'files'>;

function groupsOf(
  vault: Vault,
  { filter, groupBy }: ForgetOptions,
): (GroupFacts & { members: Candidate[] })[] {
  const open = opened(vault);
  const groups = new Map<string, GroupFacts & { members: Candidate[] }>();
  for (const row of eachFile(open.home.catalog)) {
    const facts = openFacts(open, row);
    if (!fits(facts, filter)) continue;
    const { key, group } = groupOf(facts, groupBy);
    const found = groups.get(key) ?? { ...group, members: [] };
    groups.set(key, found);
    const { name, tags, bytes } = facts;
    // Of two of one moment the one that was entered later is the newer one.
    found.members.unshift({ id: row.id, name, createdMs: row.createdMs, tags, bytes });
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function groupOf(facts: StoredFacts, parts: readonly GroupPart[]): { key: string; group: GroupFacts } {
  const { path, name } = facts;
  const byPath = parts.includes('path');
  const group: GroupFacts = {
    host: parts.includes('host') ? facts.host : null,
    path: byPath && path !== undefined ? Buffer.from(path).toString('utf8') : null,
    name: byPath && path === undefined ? name : null,
    tags: parts.includes('tags') ? [...facts.tags].sort() : null,
  };
  // By bytes: two paths that are not UTF-8 may look the same.
  const place = group.path === null ? group.name : Buffer.from(path ?? '').toString('latin1');
  return { key: JSON.stringify([group.host, group.path === null, place, group.tags]), group };
}

/** `laptop:/home/ana/documents`, for people. */
export function groupTitle({ host, path, name, tags }: GroupFacts): string {
  const place = [host, path ?? name].filter((part) => part !== null).join(':');
  const tagText = tags === null ? '' : ` tags ${tags.join(',') || 'none'}`;
  return `${place}${tagText}`.trim() || 'all files';
}

function keepsNothing(group: GroupFacts) {
  return usageError(
    `the rules keep nothing of ${groupTitle(group)}: nothing was removed`,
    'add a rule such as --keep-last 1, or give --unsafe-allow-remove-all',
  );
}
