/** By which addresses others may reach this node. */
import os from 'node:os';
import { MAX_ADDRESSES } from '../net/member-record.js';

export interface Listening {
  /** `host:port` as a person gave them: these and no others. */
  readonly addresses: readonly string[];
  /** What is listened on. */
  readonly host: string;
}

/** Up to 8 of `host:port`: what was given, else the host listened on, else the interfaces' own, loopback last. */
export function ownAddresses({ addresses, host }: Listening, port: number): readonly string[] {
  if (addresses.length > 0) return addresses.slice(0, MAX_ADDRESSES);
  if (!isAnyHost(host)) return [host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`];
  const own = Object.values(os.networkInterfaces()).flatMap((entries = []) => entries);
  const outside = own.filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
  const shown = outside.map(({ address, family }) =>
    family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
  );
  return [...shown.slice(0, MAX_ADDRESSES - 1), `127.0.0.1:${port}`];
}

/** Whether it means all interfaces. */
export const isAnyHost = (host: string): boolean => host === '0.0.0.0' || host === '::';
