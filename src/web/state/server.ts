/**
 * The machine that serves this page, and the machines of its cluster, as last told.
 */
import type { ClusterNode, LogLine, ServerStatus } from '../api/shapes.js';
import { computed, signal } from '../preact.js';

export const serverStatus = signal<ServerStatus | undefined>(undefined);

/** This machine first; undefined until told. */
export const nodes = signal<readonly ClusterNode[] | undefined>(undefined);
export const log = signal<readonly LogLine[]>([]);

const LOG_LINES = 500;

export const others = computed(() => (nodes.value ?? []).filter(({ self }) => !self));

export const nodeNames = computed(
  () => new Map((nodes.value ?? []).map(({ id, name }) => [id, name] as const)),
);

export function setNodes(told: readonly ClusterNode[]): void {
  nodes.value = [...told].sort(
    (one, other) => Number(other.self) - Number(one.self) || one.name.localeCompare(other.name),
  );
}

export function addLog(lines: readonly LogLine[]): void {
  log.value = [...log.value, ...lines].slice(-LOG_LINES);
}
