/** Days in the life of a tree: files that change, older trees that are forgotten, what they alone needed freed. */
import fs from 'node:fs';
import path from 'node:path';
import type { FileId } from '../../src/core/ids.js';
import { NO_FILTER } from '../../src/ops/files/file-filter.js';
import type { OpenVault } from '../../src/ops/home/vault.js';
import { chunkTree } from '../../src/ops/tree/chunk-tree.js';
import { forgetFiles, planForget } from '../../src/ops/upkeep/forget.js';
import type { GcResult } from '../../src/ops/upkeep/gc.js';
import { collectGarbage } from '../../src/ops/upkeep/gc.js';
import { sampleBytes } from './sample-bytes.js';

const FOLDERS = 6;
const FILES = 12;

/** Makes the tree on day 0; then changes so much that chunks of small files become thin. */
export function changeTree(folder: string, day: number): void {
  for (let n = 0; n < FOLDERS; n++) {
    const inside = path.join(folder, `d${n}`);
    fs.mkdirSync(inside, { recursive: true });
    for (let m = 0; m < FILES; m++) {
      const isLasting = m % 5 === 0;
      if (day > 0 && (isLasting || (n + m + day) % 2 === 0)) continue;
      fs.writeFileSync(path.join(inside, `f${m}`), sampleBytes(`${n} ${m} ${day}`, 90 + 7 * m));
    }
  }
  fs.writeFileSync(path.join(folder, 'd0/large'), sampleBytes(`large ${day >> 2}`, 3_000));
}

/** Stores it under the tag of the day. What was written a moment ago counts as long there. */
export async function storeDay(
  vault: OpenVault,
  folder: string,
  day: number,
): Promise<{ readonly id: FileId; readonly unchanged: number }> {
  const { id, unchanged = 0 } = await chunkTree(vault, folder, {
    workers: 0,
    tags: [`day ${day}`],
    createdMs: Date.UTC(2024, 2, 1 + day),
    startedMs: Date.now() + 3_600_000,
  });
  return { id, unchanged };
}

/** Forgets all but the newest trees, and frees what only the others needed. */
export async function keepNewest(vault: OpenVault, last: number): Promise<GcResult> {
  const rules = { counts: { last }, within: {}, tags: [] };
  const groups = planForget(vault, { rules, filter: NO_FILTER, groupBy: ['path'], mayRemoveAll: false });
  const gone = groups.flatMap(({ files }) => files.filter(({ reasons }) => reasons.length === 0));
  forgetFiles(
    vault.home,
    gone.map(({ id }) => id),
  );
  vault.home.endSession();
  return collectGarbage(vault, { graceSeconds: 0 });
}
