/**
 * The tab Network: the machines, how they are, what would become of the files without some of them, and how more join.
 */
import { type JSX, useEffect } from '../preact.js';
import { nodes, others } from '../state/server.js';
import { countText } from '../text/units.js';
import { BucketPicture } from './bucket-picture.js';
import { ClusterGraph } from './cluster-graph.js';
import { JoinCard } from './join-card.js';
import { NodeCard } from './node-card.js';
import { askWhatIf, WhatIfResult } from './what-if.js';

export function NetworkTab(): JSX.Element {
  useEffect(askWhatIf, []);
  const all = nodes.value;
  if (all === undefined) return <p class="empty muted">Asking for the machines…</p>;
  const online = all.filter(({ status }) => status === 'online').length;
  return (
    <div class="network">
      <div class="network-pictures">
        <section class="card" aria-labelledby="cluster-title">
          <h2 id="cluster-title">
            Machines{' '}
            <span class="muted">
              {online === all.length ? 'all online' : `${online} of ${all.length} online`}
            </span>
          </h2>
          <ClusterGraph nodes={all} />
        </section>
        <BucketPicture />
      </div>
      <WhatIfResult />
      <ul class="node-cards" aria-label={countText(all.length, 'machine')}>
        {all.map((node) => (
          <NodeCard key={node.id} node={node} isAlone={others.value.length === 0} />
        ))}
      </ul>
      <JoinCard isAlone={others.value.length === 0} />
    </div>
  );
}
