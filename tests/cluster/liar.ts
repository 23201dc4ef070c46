// A member that lies: a real TLS server with a real certificate of the cluster, which answers about objects as a test
// tells it to. About members it speaks the truth, so that everyone takes it for one of theirs.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  type Credentials,
  certificateToDer,
  createCertificateRequest,
  createNodeKey,
  signCertificateRequest,
} from '../../src/net/certificates.js';
import { signRecord } from '../../src/net/member-record.js';
import type { TestCluster } from './cluster.js';
import type { TestNode } from './node.js';

/** Answers one request about objects. */
export type Lie = (request: IncomingMessage, response: ServerResponse, id: string) => void;

/** So much room that it ranks first for nearly every object. */
const CLAIMED_BYTES = 2 ** 50;

export class Liar {
  lie: Lie = (_request, response) => response.writeHead(500).end();
  /** Requests about objects so far. */
  asked = 0;
  readonly id: string;
  readonly credentials: Credentials;
  readonly #server: Server;
  #record: unknown;

  private constructor(id: string, credentials: Credentials) {
    this.id = id;
    this.credentials = credentials;
    const { keyPem: key, certificatePem: cert, caPem: ca } = credentials;
    this.#server = createServer(
      { key, cert, ca, requestCert: true, minVersion: 'TLSv1.3' },
      (asked, answer) => {
        answer.on('error', () => {});
        this.#answer(asked, answer);
      },
    );
    this.#server.on('tlsClientError', () => {});
  }

  /** Joins as the holder of the CA's key would let a node in; all nodes hear of it by their heartbeats. */
  static async join(test: Test, cluster: TestCluster): Promise<Liar> {
    const folder = join(cluster.first.place.home, 'node');
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    const { keyPem, nodeId } = createNodeKey();
    const authority = { certificatePem: read('ca.pem'), keyPem: read('ca-key.pem') };
    const csr = await createCertificateRequest(keyPem);
    const { certificatePem } = await signCertificateRequest(csr, authority as never, Date.now());
    const liar = new Liar(nodeId, { keyPem, certificatePem, caPem: authority.certificatePem });
    await new Promise<void>((resolve) => liar.#server.listen(0, '127.0.0.1', resolve));
    test.teardown(() => {
      liar.#server.close();
      liar.#server.closeAllConnections();
    });
    liar.#publish();
    for (const node of cluster.up) await liar.#introduce(node);
    await cluster.until('all take the liar for a member', () =>
      cluster.up.every((node) => node.known().includes(nodeId)),
    );
    return liar;
  }

  #publish(): void {
    const { keyPem, certificatePem } = this.credentials;
    const key = createPrivateKey(keyPem);
    const { port } = this.#server.address() as AddressInfo;
    this.#record = signRecord(
      {
        v: 1,
        id: this.id as never,
        key: createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64'),
        certificate: certificateToDer(certificatePem).toString('base64'),
        name: 'liar',
        addresses: [`127.0.0.1:${port}`],
        seq: 1,
        status: 'active',
        capacity: CLAIMED_BYTES,
        free: CLAIMED_BYTES,
        zone: '',
        version: '0',
      },
      key,
    );
  }

  async #introduce(node: TestNode): Promise<void> {
    const news = { seqs: {}, removed: [], records: [this.#record], removals: [] };
    const { status } = await ask(node.port, 'POST', '/exchange', this.credentials, JSON.stringify(news));
    if (status !== 200) throw new Error(`exchange with ${node.name}: ${status}`);
  }

  #answer(asked: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(asked.url ?? '/', 'https://localhost');
    if (url.pathname === '/ping') answer.end('pong');
    else if (url.pathname === '/exchange') {
      asked.resume();
      answer.end(JSON.stringify({ seqs: {}, removed: [], records: [this.#record], removals: [] }));
    } else {
      this.asked++;
      this.lie(asked, answer, url.searchParams.get('id') ?? '');
    }
  }
}

export interface Asked {
  readonly status: number;
  readonly text: string;
}

/** One request on a connection of its own. Status 0: the connection was refused or cut off. */
export function ask(
  port: number,
  method: string,
  path: string,
  credentials?: Partial<Credentials>,
  body?: string | Uint8Array,
): Promise<Asked> {
  return new Promise((resolve) => {
    const sending = request(
      {
        ...{ host: '127.0.0.1', port, method, path, agent: false, rejectUnauthorized: false },
        ...{ key: credentials?.keyPem, cert: credentials?.certificatePem },
        ...(body === undefined ? {} : { headers: { 'content-length': Buffer.byteLength(body) } }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('close', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sending.on('error', () => resolve({ status: 0, text: '' }));
    sending.setTimeout(10_000, () => sending.destroy());
    sending.end(body);
  });
}
