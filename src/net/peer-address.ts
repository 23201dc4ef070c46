/**
 * Where a peer is: `host:port` in its spellings, and the IP addresses behind it. Names are resolved once and what
 * they resolve to is judged, so nobody can point a name elsewhere between the check and the connection.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { DisktroError, usageError } from '../errors.js';

export interface HostPort {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface Endpoint {
  /** An IP address, not a name. */
  readonly ip: string;
  readonly port: number;
  /** `host:port` as it was given. */
  readonly address: string;
}

/** Of one name: more would only make failing slow. */
const MAX_ENDPOINTS = 4;
const MAX_HOST_LENGTH = 253;

/** Not places where a peer can be: metadata services of clouds, this host by no name, groups. */
const forbidden = new BlockList();
forbidden.addSubnet('0.0.0.0', 8, 'ipv4');
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addSubnet('224.0.0.0', 4, 'ipv4');
forbidden.addAddress('255.255.255.255', 'ipv4');
forbidden.addAddress('::', 'ipv6');
forbidden.addSubnet('fe80::', 10, 'ipv6');
forbidden.addSubnet('ff00::', 8, 'ipv6');
forbidden.addAddress('fd00:ec2::254', 'ipv6');
forbidden.addAddress('fd20:ce::254', 'ipv6');
forbidden.addAddress('100.100.100.200', 'ipv4');
forbidden.addAddress('192.0.0.192', 'ipv4');
// 169.254.0.0/16 behind a NAT64.
forbidden.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');

/**
 * Reads `host:port`, `http://host:port` or `https://host:port`, which all mean that port; IPv6 stands in brackets.
 * @throws E_USAGE
 */
export function parseAddress(text: string): HostPort {
  const match = /^(?:https?:\/\/)?(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([^\s:/?#@[\]%\\]+)):(\d{1,5})\/?$/i.exec(
    text.trim(),
  );
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  const isHost = match?.[1] === undefined ? /^[\p{L}\p{N}_.-]+$/u.test(host) : isIP(host) === 6;
  if (!isHost || host.length > MAX_HOST_LENGTH || !(port >= 1 && port <= 65_535)) {
    throw usageError(
      `address ${JSON.stringify(text.slice(0, 300))}: expected host:port, like nas.local:8081 or [fd00::7]:8081`,
    );
  }
  return { host, port };
}

/** `host:port`, an IPv6 address in brackets. */
export const formatAddress = ({ host, port }: HostPort): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Whether no connection may go to this IP address: link-local, unspecified, multicast, broadcast. */
export function isForbiddenIp(ip: string): boolean {
  const plain = ip.split('%', 1)[0] ?? '';
  const family = isIP(plain);
  // An IPv4 address in IPv6 clothes is judged as what it is: BlockList looks through `::ffff:`.
  return family === 0 || forbidden.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * The IP addresses of a peer's address, at most 4, in the resolver's order.
 * @throws E_USAGE; E_PEER_UNREACHABLE when the name is not known; E_PEER_REFUSED when no peer can be there
 */
export async function resolveAddress(address: string): Promise<readonly Endpoint[]> {
  const { host, port } = parseAddress(address);
  const ips = isIP(host) === 0 ? await resolveName(host, address) : [host];
  const allowed = ips.filter((ip) => !isForbiddenIp(ip));
  if (allowed.length === 0) {
    throw new DisktroError('E_PEER_REFUSED', `peer address ${address}: ${ips[0]} is no place for a peer`, {
      hint: 'link-local, unspecified and multicast addresses are never contacted; give another address',
      details: { address },
    });
  }
  return allowed.slice(0, MAX_ENDPOINTS).map((ip) => ({ ip, port, address }));
}

async function resolveName(host: string, address: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map((found) => found.address);
  } catch (error) {
    throw new DisktroError('E_PEER_UNREACHABLE', `peer address ${address}: the name is not known`, {
      details: { address },
      cause: error,
    });
  }
}
