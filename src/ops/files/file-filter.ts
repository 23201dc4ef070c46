/** Which files a person means by tags, hosts and paths. Pure. */

import { hasTags } from '../upkeep/retention.js';
import type { StoredFacts } from './stored-facts.js';

/** Each list that is not empty has to fit; of a list one has to. */
export interface FileFilter {
  /** What has all tags of one of these lists; a list of one empty tag is for what has none. */
  readonly tags: readonly (readonly string[])[];
  readonly hosts: readonly string[];
  /** Absolute, as they were on the host. */
  readonly paths: readonly string[];
}

export const NO_FILTER: FileFilter = { tags: [], hosts: [], paths: [] };

export function isFilterEmpty({ tags, hosts, paths }: FileFilter): boolean {
  return tags.length + hosts.length + paths.length === 0;
}

export function fits(
  { tags, host, path }: Pick<StoredFacts, 'tags' | 'host' | 'path'>,
  filter: FileFilter,
): boolean {
  const isTagged = filter.tags.length === 0 || filter.tags.some((list) => hasTags(tags, list));
  const isOfHost = filter.hosts.length === 0 || filter.hosts.includes(host);
  const isAtPath = (wanted: string): boolean =>
    path !== undefined && Buffer.from(path).equals(Buffer.from(wanted));
  return isTagged && isOfHost && (filter.paths.length === 0 || filter.paths.some(isAtPath));
}
