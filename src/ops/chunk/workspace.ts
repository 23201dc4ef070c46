/** Memory for one pass over an input: the window it is read into and the cutters over it. Reused from input to input. */
import { readFileSync } from 'node:fs';
import type { ChunkSizes, Cutter } from '../../core/cutter.js';
import { contentCutter, fixedCutter } from '../../core/cutter.js';
import { gearTable } from '../../core/gear.js';
import { windowBytes, windowMemory } from '../../core/input-window.js';
import { PACKAGE_ROOT } from '../../package-root.js';

export interface Workspace {
  readonly memory: WebAssembly.Memory;
  readonly cutters: Readonly<Record<'cdc' | 'fixed', Cutter>>;
}

export interface Workspaces {
  borrow(): Workspace;
  give(workspace: Workspace): void;
}

const CODE = new URL('dist/src/core/cutter.wasm', PACKAGE_ROOT);

export function createWorkspaces(chunkerKey: Uint8Array, sizes: ChunkSizes): Workspaces {
  const free: Workspace[] = [];
  return {
    borrow() {
      const idle = free.pop();
      if (idle !== undefined) return idle;
      const memory = windowMemory(windowBytes(sizes.max));
      const code = new Uint8Array(readFileSync(CODE));
      const cdc = contentCutter(code, memory, gearTable(chunkerKey), sizes);
      return { memory, cutters: { cdc, fixed: fixedCutter(sizes) } };
    },
    give(workspace) {
      free.push(workspace);
    },
  };
}
