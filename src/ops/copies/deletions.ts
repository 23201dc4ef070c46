/** What vaults have asked to be deleted, and whose grace is over: freed in the order that survives a crash. */
import { beginDueDeletions, forgetHoldings } from '../../catalog/holdings.js';
import { MAX_BATCH_OBJECTS } from '../../limits.js';
import type { OpenHome } from '../home/home.js';

/** @returns how many objects were freed */
export async function freeDueDeletions(home: OpenHome, nowMs: number): Promise<number> {
  let freed = 0;
  for (;;) {
    const due = beginDueDeletions(home.catalog, nowMs, MAX_BATCH_OBJECTS);
    if (due.length === 0) return freed;
    // Manifests first: a kill in between must not leave one that lists what is gone.
    for (const kind of ['manifest', 'chunk'] as const) {
      const ids = due.filter((object) => object.kind === kind).map(({ id }) => id);
      if (ids.length > 0) await home.store.delete(kind, ids);
    }
    forgetHoldings(
      home.catalog,
      due.map(({ id }) => id),
    );
    freed += due.length;
  }
}
