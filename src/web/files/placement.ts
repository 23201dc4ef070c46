/**
 * Which node holds which part of a file, drawn together into so many cells at most. Only arithmetic over what the server
 * told.
 */
import type { PlacedChunk } from '../api/shapes.js';

/** A part of a strip of one look; positions count cells. */
export interface Run {
  readonly from: number;
  readonly length: number;
  readonly look: 'held' | 'part';
}

export interface HolderStrip {
  readonly node: string;
  readonly held: number;
  readonly runs: readonly Run[];
}

export interface Placement {
  readonly cells: number;
  readonly chunks: number;
  readonly holders: readonly HolderStrip[];
}

/** One strip for each of these nodes, then for those that hold something and are not among them. */
export function placementOf(
  chunks: readonly PlacedChunk[],
  nodes: readonly string[],
  mostCells: number,
): Placement {
  const cells = Math.max(1, Math.min(mostCells, chunks.length));
  const all = [...new Set([...nodes, ...chunks.flatMap((chunk) => chunk.nodes)])];
  const counts = new Map(all.map((node) => [node, new Array<number>(cells).fill(0)] as const));
  const sizes = new Array<number>(cells).fill(0);
  for (const [index, chunk] of chunks.entries()) {
    const cell = Math.floor((index * cells) / chunks.length);
    sizes[cell] = (sizes[cell] ?? 0) + 1;
    for (const node of chunk.nodes) {
      const count = counts.get(node);
      if (count !== undefined) count[cell] = (count[cell] ?? 0) + 1;
    }
  }
  const holders = [...counts].map(([node, count]) => ({
    node,
    held: count.reduce((sum, value) => sum + value, 0),
    runs: runsOf(count, sizes),
  }));
  return { cells, chunks: chunks.length, holders };
}

function runsOf(counts: readonly number[], sizes: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  for (const [cell, count] of counts.entries()) {
    if (count === 0) continue;
    const look = count >= (sizes[cell] ?? 0) ? 'held' : 'part';
    const last = runs.at(-1);
    const isNext = last?.look === look && last.from + last.length === cell;
    if (isNext) runs[runs.length - 1] = { ...last, length: last.length + 1 };
    else runs.push({ from: cell, length: 1, look });
  }
  return runs;
}
