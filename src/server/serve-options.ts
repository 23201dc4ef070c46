/** What a node is started with: what a person has set, resolved and checked. */
import type { ApiSettings } from './api/api.js';
import type { Log } from './log.js';

export interface ServeOptions {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly isPortFixed: boolean;
  /** `host:port` by which others reach this node; empty: its interfaces' addresses. */
  readonly addresses: readonly string[];
  readonly name: string;
  readonly zone: string;
  readonly version: string;
  readonly replicaCount: number;
  readonly heartbeatSeconds: number;
  readonly repairGraceSeconds: number;
  readonly deleteGraceSeconds: number;
  readonly quotaBytes: number;
  readonly reserveBytes: number;
  readonly uploadLimit: number;
  readonly downloadLimit: number;
  /** Addresses to try at start, and while no member is online. */
  readonly peers?: readonly string[];
  /** Whether members are looked for on the local network; default: no. */
  readonly isMdnsOn?: boolean;
  readonly log: Log;
  readonly api: ApiSettings;
  readonly onNotice?: ((message: string) => void) | undefined;
}
