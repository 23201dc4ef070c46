/**
 * The picture of which node holds which chunks of a file: a strip for each node, in the order of the file.
 */

import type { ClusterNode, PlacedChunk } from '../api/shapes.js';
import { STATUS_LOOKS } from '../parts/badge.js';
import type { JSX } from '../preact.js';
import { nodes } from '../state/server.js';
import { countText, numberText, shortId } from '../text/units.js';
import { type HolderStrip, placementOf } from './placement.js';

const CELLS = 120;

export function PlacementStrip({ chunks }: { readonly chunks: readonly PlacedChunk[] }): JSX.Element {
  const known = nodes.value ?? [];
  const placement = placementOf(
    chunks,
    known.map(({ id }) => id),
    CELLS,
  );
  return (
    <div class="placement">
      {placement.holders.map((holder) => (
        <Strip
          key={holder.node}
          holder={holder}
          node={known.find(({ id }) => id === holder.node)}
          cells={placement.cells}
          chunks={placement.chunks}
        />
      ))}
    </div>
  );
}

interface StripProps {
  readonly holder: HolderStrip;
  readonly node: ClusterNode | undefined;
  readonly cells: number;
  readonly chunks: number;
}

function Strip({ holder, node, cells, chunks }: StripProps): JSX.Element {
  const name = node?.name ?? shortId(holder.node);
  const status = node?.status ?? 'left';
  const said = `${name} (${status}) holds ${holder.held} of ${countText(chunks, 'chunk')}`;
  return (
    <div class="strip">
      <span class="strip-name">
        <span class={`dot ${STATUS_LOOKS[status]}`} />
        {name}
        {status === 'online' ? null : <span class="muted"> {status}</span>}
      </span>
      <span class="strip-count">
        {numberText(holder.held)}/{numberText(chunks)}
      </span>
      <svg
        class="strip-cells"
        viewBox={`0 0 ${cells} 1`}
        preserveAspectRatio="none"
        role="img"
        aria-label={said}
      >
        {holder.runs.map(({ from, length, look }) => (
          <rect key={from} class={look} x={from} y={0} width={length} height={1} />
        ))}
      </svg>
    </div>
  );
}
