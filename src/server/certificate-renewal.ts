/** A node's certificate is renewed long before it ends; while nobody does that, it is said once a day. */
import { parseCertificate, refusalOfTime } from '../net/certificates.js';
import type { Cluster } from '../ops/cluster/cluster.js';
import { renewOwnCertificate } from '../ops/cluster/join.js';
import type { ServingNode } from './serving-node.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const RENEW_BEFORE_DAYS = 60;
/** Until then somebody with the cluster's key may just be switched off. */
const WARN_BEFORE_DAYS = 30;

export class CertificateRenewal {
  readonly #node: ServingNode;
  #saidOfDay = Number.POSITIVE_INFINITY;

  constructor(node: ServingNode) {
    this.#node = node;
  }

  async renewIfDue(cluster: Cluster): Promise<void> {
    const { files, log } = this.#node;
    const facts = parseCertificate(cluster.credentials.certificatePem);
    const nowMs = Date.now();
    if (refusalOfTime(facts, nowMs + RENEW_BEFORE_DAYS * DAY_MS) === undefined) return;
    if (await renewOwnCertificate(files, cluster)) {
      log.info('this node has a new certificate');
      return;
    }
    const daysLeft = Math.floor((facts.notAfterMs - nowMs) / DAY_MS);
    if (daysLeft > WARN_BEFORE_DAYS || daysLeft === this.#saidOfDay) return;
    this.#saidOfDay = daysLeft;
    log.warning(
      daysLeft < 0
        ? 'the certificate of this node has expired, and the others refuse it: run `disktro peers invite` on the machine ' +
            'that made the cluster, and `disktro peers join` here'
        : `the certificate of this node expires in ${daysLeft} days, and nobody in reach can renew it: start \`disktro ` +
            'serve` on the machine that made the cluster',
    );
  }
}
