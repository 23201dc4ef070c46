/**
 * One machine: how it is, when it was last seen, how much room it has, and the switch that pretends it is gone.
 */
import type { ClusterNode } from '../api/shapes.js';
import { StatusBadge } from '../parts/badge.js';
import { SegmentBar } from '../parts/bars.js';
import { CopyButton } from '../parts/copy-text.js';
import type { JSX } from '../preact.js';
import { nowMs } from '../state/clock.js';
import { buckets } from '../state/sync.js';
import { sinceText } from '../text/dates.js';
import { countText, shortId, sizeText } from '../text/units.js';
import { lostNodes, toggleLost } from './what-if.js';

export function NodeCard({
  node,
  isAlone,
}: {
  readonly node: ClusterNode;
  readonly isAlone: boolean;
}): JSX.Element {
  const isLost = lostNodes.value.has(node.id);
  return (
    <li class={`card node-card ${isLost ? 'is-lost' : ''}`}>
      <div class="node-top">
        <h3>
          {node.name}
          {node.self ? <span class="muted"> this machine</span> : null}
        </h3>
        <StatusBadge node={node} />
      </div>
      <Space node={node} />
      <dl class="facts">
        <dt>Last seen</dt>
        <dd>{node.status === 'online' ? 'now' : sinceText(node.last_seen, nowMs.value)}</dd>
        <dt>Holds</dt>
        <dd>{holdsText(node)}</dd>
        <dt>Address</dt>
        <dd>{node.address === '' ? 'not known yet' : addressText(node)}</dd>
        {node.zone === '' ? null : (
          <>
            <dt>Zone</dt>
            <dd>{node.zone}</dd>
          </>
        )}
        <dt>Id</dt>
        <dd class="with-button">
          <code title={node.id}>{shortId(node.id)}</code>
          <CopyButton text={node.id} label={`Copy the id of ${node.name}`} />
        </dd>
      </dl>
      {isAlone ? null : (
        <button
          type="button"
          class="switch"
          role="switch"
          aria-checked={isLost}
          aria-label={`What if I lose ${node.name}?`}
          onClick={() => toggleLost(node.id)}
        >
          <span class="switch-track" aria-hidden="true" />
          What if I lose it?
        </button>
      )}
    </li>
  );
}

function Space({ node }: { readonly node: ClusterNode }): JSX.Element | null {
  if (node.capacity === 0) return null;
  const used = Math.max(0, node.capacity - node.free);
  const said = `${sizeText(node.free)} free of ${sizeText(node.capacity)}`;
  return (
    <div class="space">
      <SegmentBar
        label={said}
        segments={[
          { look: 'used', value: used },
          { look: 'rest', value: node.free },
        ]}
      />
      <span class="muted" aria-hidden="true">
        {said}
      </span>
    </div>
  );
}

function addressText({ address, port }: ClusterNode): string {
  return /:\d+$/.test(address) ? address : `${address}:${port}`;
}

function holdsText(node: ClusterNode): string {
  const held = buckets.value?.nodes.find(({ id }) => id === node.id);
  if (held === undefined) return 'nothing of this vault';
  return `${countText(held.objects, 'object')}, ${sizeText(held.bytes)}`;
}
