/**
 * What one node does so that every object is where placement wants it (docs/PROTOCOL.md, "Comparing and repairing").
 * Nodes that know the same plan the same, each its own part: every missing copy is made by exactly one of them.
 * Knows no store and no network.
 */
import type { NodeId, StoreId } from '../core/ids.js';

export interface RepairView {
  readonly self: NodeId;
  /** The holders of an object that count now, best first: active members within the grace. */
  holdersOf(id: StoreId): readonly NodeId[];
  /** False for who cannot be spoken to at the moment: nothing is sent to it, and its copies do not count as sources. */
  isLive(node: NodeId): boolean;
  /** The objects to look at that each node is known to have, this one included. */
  readonly have: ReadonlyMap<NodeId, ReadonlySet<StoreId>>;
}

export interface RepairPlan {
  /** What to send to whom. */
  readonly push: ReadonlyMap<NodeId, readonly StoreId[]>;
  /** What to get from whom. */
  readonly fetch: ReadonlyMap<NodeId, readonly StoreId[]>;
}

/**
 * The part of `view.self`. The source of an object is its best live holder that has it or, when none has, the live
 * node with the lowest id that does. A holder that lacks it and ranks above the source fetches it; the source pushes
 * it to those below. So no copy is sent twice, whichever of the two looks first.
 */
export function planRepair(view: RepairView): RepairPlan {
  const push = new Map<NodeId, StoreId[]>();
  const fetch = new Map<NodeId, StoreId[]>();
  for (const [id, havers] of haversById(view)) {
    const holders = view.holdersOf(id);
    const source = sourceOf(holders, havers);
    if (source === undefined) continue;
    const sourceRank = holders.indexOf(source);
    for (const [rank, holder] of holders.entries()) {
      if (havers.has(holder) || (holder !== view.self && !view.isLive(holder))) continue;
      if (rank < sourceRank && holder === view.self) append(fetch, source, id);
      if (rank > sourceRank && source === view.self) append(push, holder, id);
    }
  }
  return { push, fetch };
}

/** Per object the live nodes that have it. */
function haversById(view: RepairView): Map<StoreId, Set<NodeId>> {
  const havers = new Map<StoreId, Set<NodeId>>();
  for (const [node, ids] of view.have) {
    if (node !== view.self && !view.isLive(node)) continue;
    for (const id of ids) {
      const known = havers.get(id);
      if (known) known.add(node);
      else havers.set(id, new Set([node]));
    }
  }
  return havers;
}

function sourceOf(holders: readonly NodeId[], havers: ReadonlySet<NodeId>): NodeId | undefined {
  return holders.find((holder) => havers.has(holder)) ?? [...havers].sort()[0];
}

function append(lists: Map<NodeId, StoreId[]>, node: NodeId, id: StoreId): void {
  const list = lists.get(node);
  if (list) list.push(id);
  else lists.set(node, [id]);
}
