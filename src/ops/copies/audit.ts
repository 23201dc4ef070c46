/**
 * Lets other nodes prove that they hold what they should: random ranges under a fresh nonce, so that neither a kept
 * answer nor the id alone is of use (docs/PROTOCOL.md, `POST /chunks/prove`). What fails is no copy any more, so that
 * `repair` makes it again. Needs no key.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { forgetCopies, nodesOf, noteCopies } from '../../catalog/copies.js';
import { sha256Hex } from '../../core/hashes.js';
import type { NodeId, StoreId } from '../../core/ids.js';
import { DisktroError, isDisktroError, throwIfAborted } from '../../errors.js';
import type { ProofRange } from '../../net/proof.js';
import { MAX_PROOF_BYTES, proofOf, readProofs } from '../../net/proof.js';
import type { Cluster } from '../cluster/cluster.js';
import type { OpenHome } from '../home/home.js';
import type { AuditedCopy } from './audit-sample.js';
import { sampleCopies } from './audit-sample.js';

export interface AuditOptions {
  /** How long it may take, ms. */
  readonly budgetMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((progress: { readonly checked: number; readonly failed: number }) => void)
    | undefined;
  /** Told of a node that gave no answer: no failure, because nothing is known of what it holds. */
  readonly onSilence?: ((node: NodeId, error: unknown) => void) | undefined;
}

export interface AuditResult {
  /** Proofs that were judged. */
  readonly checked: number;
  /** Share of the copies on other nodes that were looked at, 0 to 1. */
  readonly coverage: number;
  /** How sure it is that less than 1 % of the copies is lost, 0 to 1: see {@link confidenceOf}. */
  readonly confidence: number;
  readonly failed: readonly { readonly node: NodeId; readonly id: StoreId }[];
  /** Objects that are not yet on a node where they belong, and were never said to be. */
  readonly awaited: number;
  /** Nodes that gave no answer. */
  readonly silent: readonly NodeId[];
}

const RANGES_PER_REQUEST = 32;
const NONCE_BYTES = 32;
/** As many random samples show at 99 % that less than 1 % is lost: fewer copies are looked at several times. */
const ENOUGH_CHECKS = 459;
/** What a timer takes. */
const MOST_BUDGET_MS = 2 ** 31 - 1;
const LOST_SHARE = 0.01;

/** @throws E_ABORTED by the caller's signal; at the end of the budget it says what it has */
export async function audit(home: OpenHome, cluster: Cluster, options: AuditOptions): Promise<AuditResult> {
  const work = new Audit(home, cluster, options);
  const { copies, total } = sampleCopies(home, cluster);
  const byNode = new Map<NodeId, AuditedCopy[]>();
  for (const copy of copies) {
    const list = byNode.get(copy.node);
    if (list === undefined) byNode.set(copy.node, [copy]);
    else list.push(copy);
  }
  await Promise.all([...byNode].map(([node, list]) => work.auditNode(node, list)));
  return work.result(total);
}

class Audit {
  readonly #home: OpenHome;
  readonly #cluster: Cluster;
  readonly #options: AuditOptions;
  readonly #signal: AbortSignal;
  readonly #judged = new Set<AuditedCopy>();
  readonly #failed = new Map<AuditedCopy, { node: NodeId; id: StoreId }>();
  readonly #awaited = new Set<AuditedCopy>();
  readonly #silent: NodeId[] = [];
  #checked = 0;

  constructor(home: OpenHome, cluster: Cluster, options: AuditOptions) {
    this.#home = home;
    this.#cluster = cluster;
    this.#options = options;
    const budget = AbortSignal.timeout(Math.min(options.budgetMs, MOST_BUDGET_MS));
    this.#signal = options.signal === undefined ? budget : AbortSignal.any([options.signal, budget]);
  }

  result(total: number): AuditResult {
    const failed = [...this.#failed.values()];
    const expected = total - this.#awaited.size;
    return {
      checked: this.#checked,
      coverage: expected === 0 ? 0 : this.#judged.size / expected,
      confidence: confidenceOf(this.#checked, failed.length),
      failed,
      awaited: this.#awaited.size,
      silent: this.#silent,
    };
  }

  /** Each copy once, then over again until there are enough checks of all nodes together. */
  async auditNode(node: NodeId, copies: readonly AuditedCopy[]): Promise<void> {
    try {
      for (let left = copies; left.length > 0; left = this.#worthAnother(left)) {
        for (let from = 0; from < left.length; from += RANGES_PER_REQUEST) {
          await this.#challenge(node, left.slice(from, from + RANGES_PER_REQUEST));
        }
      }
    } catch (error) {
      throwIfAborted(this.#options.signal);
      if (this.#signal.aborted) return;
      if (!(error instanceof DisktroError)) throw error;
      this.#silent.push(node);
      this.#options.onSilence?.(node, error);
    }
  }

  #worthAnother(copies: readonly AuditedCopy[]): readonly AuditedCopy[] {
    if (this.#checked >= ENOUGH_CHECKS) return [];
    return copies.filter((copy) => this.#judged.has(copy) && !this.#failed.has(copy));
  }

  async #challenge(node: NodeId, copies: readonly AuditedCopy[]): Promise<void> {
    throwIfAborted(this.#signal);
    const nonce = randomBytes(NONCE_BYTES);
    const ranges = copies.map(randomRange);
    const question = { nonce: nonce.toString('hex'), ranges };
    const answer = await this.#cluster
      .client(node)
      .json('POST', '/chunks/prove', question, { signal: this.#signal, isIdempotent: true });
    const proofs = readProofs(answer, ranges.length);
    for (const [index, copy] of copies.entries()) {
      const range = ranges[index] as ProofRange;
      await this.#judge(copy, range, nonce, proofs === undefined ? 'no proof' : (proofs[index] ?? null));
    }
    this.#options.onProgress?.({ checked: this.#checked, failed: this.#failed.size });
  }

  /** @param proof null: the node says itself that it does not have it */
  async #judge(copy: AuditedCopy, range: ProofRange, nonce: Buffer, proof: string | null): Promise<void> {
    if (proof === null && !copy.isKnown) {
      this.#awaited.add(copy);
      return;
    }
    const isHeld = proof !== null && (await this.#isRight(copy, range, nonce, proof));
    if (isHeld === undefined) return;
    this.#checked++;
    this.#judged.add(copy);
    if (isHeld) {
      if (!copy.isKnown) noteCopies(this.#home.catalog, copy.node, [copy.id]);
      return;
    }
    this.#failed.set(copy, { node: copy.node, id: copy.id });
    forgetCopies(this.#home.catalog, copy.node, [copy.id]);
    // A node checks what it sends: asked for all of it, an honest one finds the damage and takes a new copy.
    if (proof !== null) await this.#read(copy.node, copy.id);
  }

  /** Whether the proof is that of the object's bytes; undefined when nobody can say what these are. */
  async #isRight(
    copy: AuditedCopy,
    { offset, length }: ProofRange,
    nonce: Buffer,
    proof: string,
  ): Promise<boolean | undefined> {
    const { id, kind, isHere } = copy;
    const own = isHere
      ? await this.#home.store.get(kind, id, { offset, length }).catch(() => undefined)
      : undefined;
    if (own !== undefined && proofOf(nonce, offset, own) === proof) return true;
    // Before a node is blamed: is it this one whose copy is damaged?
    const whole = (await this.#ownWhole(copy)) ?? (await this.#fromOthers(copy));
    if (whole === undefined) return undefined;
    return proofOf(nonce, offset, whole.subarray(offset, offset + length)) === proof;
  }

  async #ownWhole({ id, kind, isHere }: AuditedCopy): Promise<Buffer | undefined> {
    if (!isHere) return undefined;
    const bytes = await this.#home.store.get(kind, id).catch(() => undefined);
    if (bytes !== undefined && sha256Hex(bytes) === id) return bytes;
    const row = this.#home.objects.find(id);
    if (row !== undefined) this.#home.objects.markLost([row.row]);
    return undefined;
  }

  /** The bytes are what hashes to the id, whoever they come from: so the node itself may be asked, last. */
  async #fromOthers({ id, node }: AuditedCopy): Promise<Buffer | undefined> {
    const members = this.#cluster.everyone();
    const known = nodesOf(this.#home.catalog, id).filter(
      (other) => members.includes(other) && other !== node,
    );
    for (const other of [...known, node]) {
      const bytes = await this.#read(other, id);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }

  async #read(node: NodeId, id: StoreId): Promise<Buffer | undefined> {
    try {
      const bytes = await this.#cluster.client(node).readObject(id, { signal: this.#signal });
      return sha256Hex(bytes) === id ? bytes : undefined;
    } catch (error) {
      if (isDisktroError(error, 'E_ABORTED') || !(error instanceof DisktroError)) throw error;
      return undefined;
    }
  }
}

/**
 * How unlikely it is that of `checked` random copies only `failed` are found lost, when 1 % or more are: 1 − 0.99^checked
 * when none is, which is 99 % from 459 on.
 */
export function confidenceOf(checked: number, failed: number): number {
  let chance = (1 - LOST_SHARE) ** checked;
  let atMost = chance;
  for (let lost = 1; lost <= failed; lost++) {
    chance *= ((checked - lost + 1) / lost) * (LOST_SHARE / (1 - LOST_SHARE));
    atMost += chance;
  }
  return Math.max(0, 1 - atMost);
}

/** One of the blocks that the object is made of, so that its first and last bytes are as likely as all others. */
export function randomRange({ id, bytes }: Pick<AuditedCopy, 'id' | 'bytes'>): ProofRange {
  const offset = MAX_PROOF_BYTES * randomInt(Math.max(1, Math.ceil(bytes / MAX_PROOF_BYTES)));
  return { id, offset, length: Math.max(1, Math.min(bytes - offset, MAX_PROOF_BYTES)) };
}
