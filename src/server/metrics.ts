/**
 * Numbers for Prometheus, worked out when they are asked for. docs/grafana.json shows them. The only file that knows
 * prom-client.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What is read for each report. Sizes in bytes, times in ms since 1970 or undefined. */
export interface Measures {
  readonly objects: number;
  readonly bytes: number;
  readonly heldObjects: number;
  readonly files: number;
  readonly degradedObjects: number;
  readonly tombstonedObjects: number;
  readonly freeBytes: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly lastChunkMs: number | undefined;
  readonly lastVerifyMs: number | undefined;
  readonly scrubbedShare: number;
  readonly sessions: number;
  readonly tasks: number;
}

export interface RepairCounts {
  readonly pushed: number;
  readonly fetched: number;
  readonly failed: number;
}

const LATENCY_SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60];

export class Metrics {
  readonly #registry = new Registry();
  readonly #gauges: ReadonlyMap<keyof typeof GAUGES, Gauge>;
  readonly #peers: Gauge<'status'>;
  readonly #latency: Histogram<'method' | 'route' | 'status'>;
  readonly #repaired: Counter<'outcome'>;
  readonly #measure: () => Promise<Measures>;

  constructor(measure: () => Promise<Measures>) {
    this.#measure = measure;
    const registers = [this.#registry];
    this.#gauges = new Map(
      Object.entries(GAUGES).map(([key, [name, help]]) => [
        key as keyof typeof GAUGES,
        new Gauge({ name, help, registers }),
      ]),
    );
    this.#peers = new Gauge({
      name: 'disktro_peers',
      help: 'Other nodes of the cluster, as seen from this one',
      labelNames: ['status'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'disktro_request_seconds',
      help: 'Time from the head of a request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: LATENCY_SECONDS,
      registers,
    });
    this.#repaired = new Counter({
      name: 'disktro_repair_objects_total',
      help: 'Objects that repair has sent, fetched, or failed to move since the start',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of ['pushed', 'fetched', 'failed']) this.#repaired.inc({ outcome }, 0);
  }

  /** @param route its path in the table, so that there are not more series than routes; empty: none */
  countAnswer(method: string, route: string, status: number, seconds: number): void {
    this.#latency.observe(
      { method: METHODS.has(method) ? method : 'other', route: route === '' ? 'none' : route, status },
      seconds,
    );
  }

  countRepair(counts: RepairCounts): void {
    for (const [outcome, count] of Object.entries(counts)) this.#repaired.inc({ outcome }, count);
  }

  async report(): Promise<{ readonly type: string; readonly text: string }> {
    const measures = await this.#measure();
    for (const [key, gauge] of this.#gauges) {
      const value = measures[key];
      if (value !== undefined) gauge.set(key.endsWith('Ms') ? value / 1000 : value);
    }
    for (const [status, count] of Object.entries(measures.peers)) this.#peers.set({ status }, count);
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE']);

const GAUGES = {
  objects: ['disktro_objects', 'Objects in the store'],
  bytes: ['disktro_stored_bytes', 'Bytes of all objects in the store'],
  heldObjects: ['disktro_held_objects', 'Objects that are kept for other machines only'],
  files: ['disktro_files', 'Files of the vault here'],
  degradedObjects: ['disktro_degraded_objects', 'Objects of files here with fewer copies than wanted'],
  tombstonedObjects: ['disktro_tombstoned_objects', 'Objects that wait for gc'],
  freeBytes: ['disktro_free_bytes', 'Free space of the disk that the home is on'],
  lastChunkMs: ['disktro_last_chunk_timestamp_seconds', 'When a file was stored last'],
  lastVerifyMs: ['disktro_last_verify_timestamp_seconds', 'When everything was verified last'],
  scrubbedShare: ['disktro_scrub_progress_ratio', 'How far the present pass of the scrub has come, 0 to 1'],
  sessions: ['disktro_sessions', 'Sessions that hold the vault open'],
  tasks: ['disktro_running_tasks', 'Uploads, downloads and checks under way'],
} as const;
