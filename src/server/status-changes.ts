/**
 * Which members have come, become unreachable or gone since this was last asked, whoever noticed it: a heartbeat,
 * a repair, or a request of theirs.
 */
import type { NodeId } from '../core/ids.js';
import type { MemberStatus } from '../net/liveness.js';

export class StatusChanges {
  readonly #seen = new Map<NodeId, MemberStatus>();

  /** @returns those whose status is another than at the last call; who is new counts as having been online */
  take(
    nodes: readonly NodeId[],
    statusOf: (node: NodeId) => MemberStatus | undefined,
  ): [NodeId, MemberStatus][] {
    const changed: [NodeId, MemberStatus][] = [];
    for (const node of nodes) {
      const status = statusOf(node);
      if (status === undefined) continue;
      if (status !== (this.#seen.get(node) ?? 'online')) changed.push([node, status]);
      this.#seen.set(node, status);
    }
    return changed;
  }
}
