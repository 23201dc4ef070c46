// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of sources
// What mutants.mjs breaks in the parts that speak with other machines; as in mutant-table.mjs.

export const PEER_MUTANTS = [
  {
    name: 'peers: a certificate of any CA',
    edits: [
      {
        file: 'src/net/certificates.ts',
        from: 'if (!authority.ca || !leaf.checkIssued(authority) || !leaf.verify(authority.publicKey))',
        to: 'if (!authority.ca)',
      },
    ],
    tests: ['net/certificates'],
  },
  {
    name: "peers: a certificate for another node than its key's",
    edits: [
      {
        file: 'src/net/certificates.ts',
        from: "    if (leaf.subject !== `CN=${facts.nodeId}`) return 'names another node than its key does';\n",
        to: '',
      },
    ],
    tests: ['net/certificates'],
  },
  {
    name: 'peers: a certificate never ends',
    edits: [
      {
        file: 'src/net/certificates.ts',
        from: '  if (nowMs > notAfterMs + CLOCK_SLACK_MS) return',
        to: '  if (nowMs < 0) return',
      },
    ],
    tests: ['net/certificates'],
  },
  {
    name: 'peers: whoever answers is taken for the node that was meant',
    edits: [
      {
        file: 'src/net/peer-connection.ts',
        from: 'target.nodeId !== undefined && target.nodeId !== nodeId',
        to: "target.nodeId === ('' as NodeId)",
      },
    ],
    tests: ['net/peer-client'],
  },
  {
    name: 'peers: metadata services of clouds are asked',
    edits: [
      { file: 'src/net/peer-address.ts', from: "forbidden.addSubnet('169.254.0.0', 16, 'ipv4');\n", to: '' },
    ],
    tests: ['net/peer-address'],
  },
  {
    name: 'peers: a record without its signature',
    edits: [
      {
        file: 'src/net/member-record.ts',
        from: "  if (!isSigned('member', record, publicKey)) return { refusal: 'signature does not fit' };\n",
        to: '',
      },
    ],
    tests: ['net/member-record'],
  },
  {
    name: 'peers: a record with the key of another',
    edits: [
      {
        file: 'src/net/member-record.ts',
        from: "  if (nodeIdOf(spki) !== record.id) return { refusal: 'id is not that of key' };\n",
        to: '',
      },
    ],
    tests: ['net/member-record'],
  },
  {
    name: 'peers: who was removed comes back',
    edits: [
      {
        file: 'src/net/membership.ts',
        from: 'if (this.#removals.has(claimed.id) || json === known) return;',
        to: 'if (json === known) return;',
      },
    ],
    tests: ['net/membership'],
  },
  {
    name: 'peers: a failed ping counts as a sign of life',
    edits: [
      {
        file: 'src/net/liveness.ts',
        from: '    this.#failedPings++;\n',
        to: '    this.#failedPings++;\n    this.#lastSeenMs = atMs;\n',
      },
    ],
    tests: ['net/membership'],
  },
  {
    name: 'peers: a short absence moves copies',
    edits: [
      {
        file: 'src/net/liveness.ts',
        from: 'nowMs - this.#absentSinceMs > graceMs',
        to: 'nowMs >= this.#absentSinceMs',
      },
    ],
    tests: ['net/membership'],
  },
  {
    name: 'peers: capacity does not count',
    edits: [
      {
        file: 'src/net/placement.ts',
        from: '      const score = -capacity / Math.log(fraction);',
        to: '      const score = -1 / Math.log(fraction);',
      },
    ],
    tests: ['net/placement'],
  },
  {
    name: 'peers: copies are sent by both ends',
    edits: [
      {
        file: 'src/net/repair-plan.ts',
        from: 'if (rank > sourceRank && source === view.self)',
        to: 'if (source === view.self)',
      },
    ],
    tests: ['net/repair-plan'],
  },
  {
    name: 'peers: a record of a vault that nobody signed',
    edits: [
      {
        file: 'src/net/vault-record.ts',
        from: "  if (!verifyJson('vault', unsigned, key, signature)) return { refusal: 'signature does not fit' };\n",
        to: '',
      },
    ],
    tests: ['net/vault-record'],
  },
  {
    name: 'peers: a proof of an invite for any connection',
    edits: [{ file: 'src/net/invite.ts', from: "\\n${Buffer.from(exporter).toString('hex')}`;", to: '`;' }],
    tests: ['net/invite'],
  },
  {
    name: 'peers: nodes of other clusters are heard',
    edits: [
      { file: 'src/net/mdns.ts', from: "fields.get('c') !== tag || !isNodeId(node)", to: '!isNodeId(node)' },
    ],
    tests: ['net/mdns'],
  },
  {
    name: 'peers: a deep JSON is parsed',
    edits: [
      {
        file: 'src/net/bounded-json.ts',
        from: '  if (isDeeperThan(bytes, maxDepth)) throw new JsonRefusal(`JSON of more than ${maxDepth} levels`);\n',
        to: '',
      },
    ],
    tests: ['net/bounded-json'],
  },
  {
    name: 'peers: any part of an object will do',
    edits: [
      {
        file: 'src/net/object-download.ts',
        from: "    if (isPart) this.#checkRange(headers['content-range'] ?? '', length);\n",
        to: '',
      },
    ],
    tests: ['net/object-download'],
  },
  {
    name: 'peers: a peer may be silent for ever',
    edits: [
      {
        file: 'src/net/peer-exchange.ts',
        from: 'setTimeout(() => this.#fail(this.#tooSlow()), ms)',
        to: 'setTimeout(() => {}, ms)',
      },
    ],
    tests: ['net/peer-client'],
  },
  {
    name: "peers: any certificate of the cluster is a member's",
    edits: [
      {
        file: 'src/server/router.ts',
        from: 'peer !== undefined && gate.isMember(peer.nodeId) ? peer.nodeId',
        to: 'peer !== undefined ? peer.nodeId',
      },
    ],
    tests: ['cluster/strangers'],
  },
  {
    name: 'peers: no certificate is asked for',
    edits: [
      {
        file: 'src/server/router.ts',
        from: "    throw refusal(403, 'not a member of this cluster');",
        to: '    return;',
      },
    ],
    tests: ['cluster/strangers'],
  },
  {
    name: 'peers: another page may ask',
    edits: [
      {
        file: 'src/server/router.ts',
        from: "    throw refusal(403, 'another site may not ask');",
        to: '    return;',
      },
    ],
    tests: ['server/router'],
  },
  {
    name: 'peers: a silent connection stays',
    edits: [
      {
        file: 'src/server/listen.ts',
        from: 'const silence = setTimeout(() => socket.destroy(), this.#limits.silentMs);',
        to: 'const silence = setTimeout(() => {}, this.#limits.silentMs);',
      },
    ],
    tests: ['server/listen-abuse'],
  },
  {
    name: 'peers: requests without end on one connection',
    edits: [
      {
        file: 'src/server/exchanges.ts',
        from: '(runningOn.get(socket)?.size ?? 0) >= limits.maxPipelined',
        to: '(runningOn.get(socket)?.size ?? 0) > 1e9',
      },
    ],
    tests: ['server/listen-abuse'],
  },
  {
    name: 'peers: a body may crawl',
    edits: [
      {
        file: 'src/server/progress-watch.ts',
        from: '    if (moved - exchange.movedBefore < minBytes) exchange.socket.destroy();\n',
        to: '',
      },
    ],
    tests: ['server/listen-abuse'],
  },
  {
    name: "peers: anyone's order deletes",
    edits: [
      {
        file: 'src/server/routes/vaults.ts',
        from: 'record === undefined || !isSignedByVault(purpose, order, record.verify_key, signature)',
        to: 'record === undefined',
      },
    ],
    tests: ['server/vaults'],
  },
  {
    name: 'peers: an old order is good again',
    edits: [
      {
        file: 'src/server/routes/vaults.ts',
        from: 'order.issued_ms < nowMs - MOST_ORDER_AGE_MS || ',
        to: '',
      },
    ],
    tests: ['server/vaults'],
  },
  {
    name: "peers: an object under another one's name is taken in",
    edits: [
      {
        file: 'src/ops/copies/held-writer.ts',
        from: "  if (actual !== id) throw integrityError('E_OBJECT_ID', `object hashes to ${actual}, expected ${id}`);\n",
        to: '',
      },
    ],
    tests: ['ops/copies/held-writer'],
  },
  {
    name: 'peers: the quota is no limit',
    edits: [
      {
        file: 'src/ops/copies/held-writer.ts',
        from: 'quotaBytes > 0 && heldBytes + this.#arrivingBytes > quotaBytes;',
        to: 'quotaBytes < 0 && heldBytes + this.#arrivingBytes > quotaBytes;',
      },
    ],
    tests: ['ops/copies/held-writer'],
  },
  {
    name: 'peers: copies are told that nobody confirmed',
    edits: [
      { file: 'src/ops/copies/replicate.ts', from: '1 + fewest(confirmed);', to: 'this.#options.copies;' },
    ],
    tests: ['cluster/copies'],
  },
  {
    name: 'peers: what was lost here is not fetched',
    edits: [{ file: 'src/ops/copies/repair.ts', from: '  await round.fetchLost();\n', to: '' }],
    tests: ['cluster/copies'],
  },
  {
    name: 'peers: a reader believes the first answer',
    edits: [
      {
        file: 'src/ops/copies/peer-source.ts',
        from: '          failures.set(won.node, liar(won.node, id, error));',
        to: '          throw error;',
      },
    ],
    tests: ['cluster/liars'],
  },
  {
    name: 'peers: a proof of a password for any connection',
    edits: [
      {
        file: 'src/ops/recover/recover-answer.ts',
        from: "`disktro/v1/recover\\n${Buffer.from(exporter).toString('hex')}`",
        to: '`disktro/v1/recover\\n${exporter.byteLength}`',
      },
    ],
    tests: ['ops/recover/recover-answer'],
  },
];
