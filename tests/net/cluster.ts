// A cluster of tests: a CA and credentials of its nodes, made once for a test file.

import type { NodeId } from '../../src/core/ids.js';
import {
  type Authority,
  type Credentials,
  createAuthority,
  createCertificateRequest,
  createNodeKey,
  signCertificateRequest,
} from '../../src/net/certificates.js';

export interface TestNode {
  readonly nodeId: NodeId;
  readonly credentials: Credentials;
}

export interface TestCluster {
  readonly authority: Authority;
  /** A node whose certificate was made at `nowMs`. */
  addNode(nowMs?: number): Promise<TestNode>;
}

/** A new cluster with a CA of its own. */
export async function testCluster(): Promise<TestCluster> {
  const authority = await createAuthority(Date.now());
  return {
    authority,
    async addNode(nowMs = Date.now()) {
      const { keyPem, nodeId } = createNodeKey();
      const request = await createCertificateRequest(keyPem);
      const { certificatePem } = await signCertificateRequest(request, authority, nowMs);
      return { nodeId, credentials: { keyPem, certificatePem, caPem: authority.certificatePem } };
    },
  };
}
