/**
 * A small picture of the machines and who reaches whom from here. The list below says the same in words.
 */

import type { ClusterNode } from '../api/shapes.js';
import { STATUS_LOOKS } from '../parts/badge.js';
import type { JSX } from '../preact.js';
import { nodeLetters } from '../text/node-letters.js';
import { lostNodes } from './what-if.js';

const WIDTH = 360;
const HEIGHT = 220;
const RADIUS = 22;
/** More would be a tangle; the list has all. */
const MOST = 12;

interface Placed {
  readonly node: ClusterNode;
  readonly x: number;
  readonly y: number;
}

export function ClusterGraph({ nodes }: { readonly nodes: readonly ClusterNode[] }): JSX.Element {
  const placed = circle(nodes.slice(0, MOST));
  const letters = nodeLetters(nodes);
  const said = nodes.map(({ name, status }) => `${name} is ${status}`).join(', ');
  return (
    <svg class="graph" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={said}>
      {placed.flatMap((one, index) =>
        placed
          .slice(index + 1)
          .map((other) => <Link key={`${one.node.id}${other.node.id}`} one={one} other={other} />),
      )}
      {placed.map((each) => (
        <Machine key={each.node.id} placed={each} letter={letters.get(each.node.id) ?? ''} />
      ))}
      {nodes.length > MOST ? (
        <text class="graph-more" x={WIDTH - 8} y={HEIGHT - 8} text-anchor="end">
          and {nodes.length - MOST} more
        </text>
      ) : null}
    </svg>
  );
}

/** On an ellipse, this machine on top. */
function circle(nodes: readonly ClusterNode[]): readonly Placed[] {
  if (nodes.length === 1) return nodes.map((node) => ({ node, x: WIDTH / 2, y: HEIGHT / 2 - 10 }));
  return nodes.map((node, index) => {
    const angle = (index / nodes.length) * 2 * Math.PI - Math.PI / 2;
    const y = middleOf(nodes.length) + Math.sin(angle) * (HEIGHT / 2 - RADIUS - 14);
    return { node, x: WIDTH / 2 + Math.cos(angle) * (WIDTH / 2 - RADIUS - 50), y };
  });
}

/** Of an odd number, none is right below the middle: the whole moves down. */
function middleOf(count: number): number {
  return count === 3 ? HEIGHT / 2 + 8 : HEIGHT / 2 - 8;
}

const isGone = ({ node }: Placed): boolean => node.status === 'offline' || lostNodes.value.has(node.id);

function Link({ one, other }: { readonly one: Placed; readonly other: Placed }): JSX.Element {
  const isDown = isGone(one) || isGone(other);
  return (
    <line
      class={isDown ? 'graph-link is-down' : 'graph-link'}
      x1={one.x}
      y1={one.y}
      x2={other.x}
      y2={other.y}
    />
  );
}

function Machine({ placed, letter }: { readonly placed: Placed; readonly letter: string }): JSX.Element {
  const { node, x, y } = placed;
  const isLost = lostNodes.value.has(node.id);
  const look = isLost ? 'bad' : STATUS_LOOKS[node.status];
  const reach = RADIUS * 0.6;
  return (
    <g class={`graph-node ${look} ${node.self ? 'is-self' : ''}`} transform={`translate(${x} ${y})`}>
      <circle r={RADIUS} />
      <text class="graph-letter" text-anchor="middle" dy="0.36em">
        {letter}
      </text>
      {isGone(placed) ? (
        <path
          class="graph-cross"
          d={`M-${reach} -${reach}L${reach} ${reach}M${reach} -${reach}L-${reach} ${reach}`}
        />
      ) : null}
      <text class="graph-name" text-anchor="middle" y={RADIUS + 17}>
        {node.name.length > 16 ? `${node.name.slice(0, 15)}…` : node.name}
      </text>
    </g>
  );
}
