// How news spreads and what it costs: the membership of dist/src/net, one instance per simulated node, under a clock
// that jumps from heartbeat to heartbeat and a network that loses one contact in a hundred.
import { MAX_CONTACT_REQUESTS, readExchange } from '../../dist/src/net/exchange-message.js';
import { Membership } from '../../dist/src/net/membership.js';
import { makeMember, rememberingVerifier } from './cluster.mjs';

export const HEARTBEAT_MS = 30_000;
const LOST_CONTACTS = 0.01;

export class GossipNetwork {
  nodes = new Map();
  down = new Set();
  nowMs = 0;
  messages = 0;
  #chance;
  #verifier = rememberingVerifier();
  /** Kept to be measured; the bytes of every message would take longer than all the rest. */
  lastMessage;

  /** A cluster of `count` nodes that know each other. */
  constructor(chance, count) {
    this.#chance = chance;
    const records = Array.from({ length: count }, (_, number) => makeMember(number));
    for (const self of records) this.#start(self, records);
  }

  get signaturesChecked() {
    return this.#verifier.signaturesChecked;
  }

  #start(self, records) {
    const { verifyRecord, verifyRemoval } = this.#verifier;
    const options = {
      self,
      verifyRecord,
      verifyRemoval,
      now: () => this.nowMs,
      random: () => this.#chance.number(),
    };
    this.nodes.set(self.id, Membership.restore(options, { v: 1, records, removals: [], last_seen: {} }));
  }

  /** A new node that has registered at a random one: it has been told of all, and only that one has heard of it. */
  join() {
    const self = makeMember(this.nodes.size);
    const inviting = [...this.nodes.values()][Math.floor(this.#chance.number() * this.nodes.size)];
    this.#start(self, inviting.members());
    inviting.merge({ records: [self], removals: [] });
    return self.id;
  }

  /** One heartbeat of every node, in random order: an exchange with an online peer, a ping to an absent one. */
  heartbeat() {
    this.nowMs += HEARTBEAT_MS;
    for (const [id, node] of this.#chance.shuffle([...this.nodes])) {
      if (this.down.has(id)) continue;
      const peer = node.randomPeer();
      if (peer) this.#contact(id, node, peer);
      const absent = node.randomAbsentPeer();
      if (absent) this.#ping(node, absent);
    }
  }

  #isLost(peer) {
    this.messages++;
    return this.down.has(peer) || this.#chance.number() < LOST_CONTACTS;
  }

  #ping(node, peer) {
    if (this.#isLost(peer)) return node.notePingFailed(peer);
    this.messages++;
    node.noteSeen(peer);
  }

  #contact(id, node, peer) {
    let request = node.exchangeRequest();
    for (let sent = 0; request && sent < MAX_CONTACT_REQUESTS; sent++) {
      if (this.#isLost(peer)) return node.notePingFailed(peer);
      const other = this.nodes.get(peer);
      other.noteSeen(id);
      const { response } = other.answer(readExchange(request).message);
      this.messages++;
      node.noteSeen(peer);
      this.lastMessage = response;
      request = node.absorb(readExchange(response).message, request).followUp;
    }
  }
}

/** Heartbeats until all nodes know a new one, for several new ones one after another. */
export function roundsUntilKnown(network, trials) {
  return Array.from({ length: trials }, () => {
    const id = network.join();
    let rounds = 0;
    while ([...network.nodes.values()].some((node) => !node.record(id))) {
      network.heartbeat();
      rounds++;
    }
    return rounds;
  });
}

/** Messages per node and second when nothing happens, and the size of one of them. */
export function idleCost(network, rounds) {
  network.messages = 0;
  for (let round = 0; round < rounds; round++) network.heartbeat();
  const seconds = (rounds * HEARTBEAT_MS) / 1000;
  return {
    messagesPerSecond: network.messages / network.nodes.size / seconds,
    messageBytes: Buffer.byteLength(JSON.stringify(network.lastMessage)),
  };
}

/** Heartbeats until half of the nodes, and all, have missed one that died. */
export function roundsUntilMissed(network) {
  const dead = [...network.nodes.keys()][0];
  network.down.add(dead);
  const others = [...network.nodes].filter(([id]) => id !== dead).map(([, node]) => node);
  const rounds = { half: 0, all: 0 };
  for (let missing = others.length; missing > 0; ) {
    network.heartbeat();
    rounds.all++;
    missing = others.filter((node) => node.status(dead) !== 'offline').length;
    if (missing * 2 > others.length) rounds.half = rounds.all + 1;
  }
  return rounds;
}

/** True if nodes that are away for 30 seconds stay holders at all others. */
export function isShortAbsenceHarmless(network, graceMs) {
  const away = [...network.nodes.keys()].slice(0, Math.ceil(network.nodes.size / 100));
  for (const id of away) network.down.add(id);
  network.heartbeat();
  for (const id of away) network.down.delete(id);
  network.heartbeat();
  return [...network.nodes.values()].every((node) => node.holders(graceMs).length === node.members().length);
}
