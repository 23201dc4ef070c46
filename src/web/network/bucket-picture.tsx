/**
 * How many copies the objects have: the id space in 256 cells, each as high as the worst object in it has copies.
 */
import type { Buckets, CopyCounts } from '../api/shapes.js';
import type { JSX } from '../preact.js';
import { buckets } from '../state/sync.js';
import { countText, numberText } from '../text/units.js';
import { lossBuckets } from './what-if.js';

const COLUMNS = 32;
const ROWS = 8;

export function BucketPicture(): JSX.Element {
  const told = lossBuckets.value ?? buckets.value;
  return (
    <section class="card" aria-labelledby="buckets-title">
      <h2 id="buckets-title">
        {lossBuckets.value === undefined ? 'Copies' : 'Copies that would be left'}{' '}
        <span class="muted">{told === undefined ? '' : countText(sum(told.copies), 'object')}</span>
      </h2>
      {told === undefined || sum(told.copies) === 0 ? (
        <p class="muted">Once there are files, this shows how many copies each part of them has.</p>
      ) : (
        <Picture told={told} />
      )}
    </section>
  );
}

function Picture({ told }: { readonly told: Buckets }): JSX.Element {
  const said = told.copies.map((count, copies) => `${count} with ${nameOf(copies)}`).join(', ');
  return (
    <>
      <svg class="buckets" viewBox={`0 0 ${COLUMNS} ${ROWS}`} role="img" aria-label={`Objects: ${said}`}>
        {told.cells.map((cell, index) => (
          <Cell key={index} cell={cell} index={index} wanted={told.wanted} />
        ))}
      </svg>
      <ul class="legend">
        {told.copies.map((count, copies) => (
          <li key={copies}>
            <span class={`swatch ${lookOf(copies, told.wanted)}`} /> {numberText(count)} with {nameOf(copies)}
          </li>
        ))}
      </ul>
    </>
  );
}

interface CellProps {
  readonly cell: CopyCounts;
  readonly index: number;
  readonly wanted: number;
}

function Cell({ cell, index, wanted }: CellProps): JSX.Element {
  const x = index % COLUMNS;
  const y = Math.floor(index / COLUMNS);
  const worst = cell.findIndex((count) => count > 0);
  const share = worst < 0 ? 0 : Math.max(0.15, Math.min(1, worst / Math.min(3, wanted)));
  const height = 0.84 * share;
  return (
    <>
      <rect class="bucket" x={x + 0.08} y={y + 0.08} width={0.84} height={0.84} />
      {worst < 0 ? null : (
        <rect class={lookOf(worst, wanted)} x={x + 0.08} y={y + 0.92 - height} width={0.84} height={height} />
      )}
    </>
  );
}

function lookOf(copies: number, wanted: number): 'good' | 'short' | 'bad' | 'none' {
  if (copies === 0) return 'none';
  if (copies >= Math.min(3, wanted)) return 'good';
  return copies <= 1 ? 'bad' : 'short';
}

function nameOf(copies: number): string {
  return ['none', '1 copy', '2 copies', '3 or more'][copies] ?? '';
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
