/** Fixed keys and ids, so that what a test makes is the same every time. */

import type { StoreId, VaultId } from '../../src/core/ids.js';
import type { ObjectKind, SealingKeys, SealOptions } from '../../src/core/object.js';
import { maxObjectBytes, openObject, Scratch, sealObject } from '../../src/core/object.js';
import { noise } from './samples.js';

export const vaultId = '00112233445566778899aabbccddeeff' as VaultId;
export const otherVaultId = 'ffeeddccbbaa99887766554433221100' as VaultId;
export const keys: SealingKeys = { vaultId, objectKey: noise('object key', 32) };
export const chunkerKey = noise('chunker key', 32);

const scratch = new Scratch();

export interface SealedObject {
  readonly id: StoreId;
  readonly object: Buffer;
}

/** Seals `raw` with a salt that comes from `seed`. */
export function seal(
  raw: Uint8Array,
  options: Partial<SealOptions> & { seed?: string | number } = {},
): SealedObject {
  const { seed = 'salt', ...given } = options;
  const out = Buffer.alloc(maxObjectBytes(raw.byteLength));
  const settings: SealOptions = {
    kind: 'chunk',
    salt: noise(`salt ${seed}`, 32),
    compression: 'auto',
    ...given,
  };
  const { id, length } = sealObject(keys, raw, settings, out, scratch);
  return { id, object: out.subarray(0, length) };
}

export interface Opening {
  readonly content?: Buffer;
  readonly code?: string;
  /** Lengths that the output callback was asked for. */
  readonly asked: readonly number[];
}

export interface OpeningOptions {
  readonly id: string;
  readonly kind?: ObjectKind;
  readonly maxRawBytes?: number;
  readonly rawBytes?: number;
  readonly keys?: SealingKeys;
  readonly codec?: Parameters<typeof openObject>[2]['codec'];
}

/** Opens an object; any error that is not a DisktroError leaves. */
export function tryOpen(object: Uint8Array, options: OpeningOptions): Opening {
  const { id, kind = 'chunk', maxRawBytes = 64 << 20, rawBytes, codec } = options;
  const asked: number[] = [];
  const output = (length: number): Buffer => {
    asked.push(length);
    return Buffer.alloc(length);
  };
  const open = {
    id: id as StoreId,
    kind,
    maxRawBytes,
    ...(rawBytes === undefined ? {} : { rawBytes }),
    ...(codec === undefined ? {} : { codec }),
  };
  try {
    return { content: openObject(options.keys ?? keys, object, open, output, scratch), asked };
  } catch (error) {
    const { name, code } = error as { name?: string; code?: string };
    if (name !== 'DisktroError' || code === undefined) throw error;
    return { code, asked };
  }
}
