/** Under which addresses others may reach a node that listens on all interfaces. */
import type { NetworkInterfaceInfo } from 'node:os';

const MAX_ADDRESSES = 8;

/** `host:port` of each interface that reaches beyond this machine, then loopback; at most 8. */
export function addressesOf(
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
  port: number,
): readonly string[] {
  const own = Object.values(interfaces).flatMap((entries = []) => entries);
  const outside = own.filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
  const shown = outside.map(({ address, family }) =>
    family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
  );
  return [...shown.slice(0, MAX_ADDRESSES - 1), `127.0.0.1:${port}`];
}
