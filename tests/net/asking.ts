// A cluster of two with a client of one that asks the other, whatever that one answers.
import type { TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import type { StoreId } from '../../src/core/ids.js';
import { PeerClient, type PeerClientOptions } from '../../src/net/peer-client.js';
import { testCluster } from './cluster.js';
import { type RogueRequest, reply, roguePeer } from './rogue-peer.js';

export const cluster = await testCluster();
export const me = await cluster.addNode();
export const peer = await cluster.addNode();
export const id = 'ab'.repeat(32) as StoreId;
const timeouts = { connectMs: 500, headersMs: 300, progressMs: 400 };

export function clientOf(t: Test, address: string, options: Partial<PeerClientOptions> = {}): PeerClient {
  const client = new PeerClient({
    nodeId: peer.nodeId,
    addresses: [address],
    credentials: me.credentials,
    timeouts,
    ...options,
  });
  t.teardown(() => client.close());
  return client;
}

export type Script = (socket: TLSSocket, request: RogueRequest) => void;

export async function against(t: Test, script: Script, options: Partial<PeerClientOptions> = {}) {
  const rogue = await roguePeer(t, peer.credentials, script);
  return { rogue, client: clientOf(t, rogue.address, options) };
}

export const pong: Script = (socket) => socket.write(reply(200, 'pong'));
