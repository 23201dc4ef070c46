/**
 * The work on one chunk, as plain data in and plain data out: the same function runs inline and in a worker.
 * Buffers in a job may be views of shared memory; results never hold a view.
 */

import type { Compression } from './codec.js';
import { loadZstdDecoder } from './codec-zstd.js';
import { sha256Hex } from './hashes.js';
import type { PlainId, StoreId } from './ids.js';
import { plainIdOf } from './keys.js';
import type { ObjectKind, Sealed, SealingKeys } from './object.js';
import { DecoderNotLoaded, openObject, Scratch, sealObject } from './object.js';

/** The keys that chunk work needs: a worker gets no others. */
export interface EngineKeys extends SealingKeys {
  readonly dedupKey: Uint8Array;
}

export interface PlainIdJob {
  readonly type: 'plain-id';
  readonly input: Uint8Array;
}

export interface SealJob {
  readonly type: 'seal';
  readonly input: Uint8Array;
  /** At least maxObjectBytes(input.byteLength) bytes; the object goes to its front. */
  readonly output: Uint8Array;
  readonly kind: ObjectKind;
  /** 32 fresh random bytes. */
  readonly salt: Uint8Array;
  readonly compression: Compression;
}

export interface OpenJob {
  readonly type: 'open';
  readonly input: Uint8Array;
  /** At least maxRawBytes (or rawBytes, when given) bytes; the plaintext goes to its front. */
  readonly output: Uint8Array;
  readonly kind: ObjectKind;
  readonly id: StoreId;
  readonly rawBytes?: number;
  readonly maxRawBytes: number;
}

export interface HashJob {
  readonly type: 'hash';
  readonly input: Uint8Array;
}

export type Job = PlainIdJob | SealJob | OpenJob | HashJob;

interface Results {
  'plain-id': PlainId;
  seal: Sealed;
  /** Length of the plaintext in bytes. */
  open: number;
  hash: StoreId;
}

export type JobResult<J extends Job> = Results[J['type']];

const scratch = new Scratch();

/** @throws DisktroError with the code of the check that failed */
export async function runJob<J extends Job>(keys: EngineKeys, job: J): Promise<JobResult<J>> {
  try {
    return run(keys, job) as JobResult<J>;
  } catch (error) {
    if (!(error instanceof DecoderNotLoaded)) throw error;
    // From the beginning: others may have used the scratch memory meanwhile.
    await loadZstdDecoder();
    return run(keys, job) as JobResult<J>;
  }
}

function run(keys: EngineKeys, job: Job): Results[keyof Results] {
  switch (job.type) {
    case 'plain-id':
      return plainIdOf(keys.dedupKey, job.input);
    case 'seal':
      return sealObject(keys, job.input, job, job.output, scratch);
    case 'open':
      return openObject(keys, job.input, job, (length) => job.output.subarray(0, length), scratch).byteLength;
    case 'hash':
      return sha256Hex(job.input) as StoreId;
  }
}
