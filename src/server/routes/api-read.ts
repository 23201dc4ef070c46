/** Routes of the API by which files come out again, and are checked. */
import * as z from 'zod';
import type { ManifestKind } from '../../core/manifest.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import { resolveFileId } from '../../ops/files/resolve.js';
import type { Vault } from '../../ops/home/vault.js';
import { type FoundPart, partOf, resolvePart } from '../../ops/read/inner-path.js';
import type { ReadOptions, ReassembleProgress } from '../../ops/read/read-options.js';
import { type ReassembleResult, reassembleFile } from '../../ops/read/reassemble.js';
import { partKind } from '../../ops/read/tree-file.js';
import { restoreFailure } from '../../ops/restore/restore-failures.js';
import { restoreTree } from '../../ops/restore/restore-tree.js';
import { type VerifyResult, verify } from '../../ops/upkeep/verify.js';
import type { Api } from '../api/api.js';
import { taskIdOf } from '../api/api.js';
import { pathBelow } from '../api/output-folder.js';
import { readJsonBody, replyData, requiredJson, withStatus } from '../json-body.js';
import type { Call, Route } from '../router.js';

const FILE_ID = z.string().min(1).max(4096);
/** Inside a tree; empty for all of it. */
export const INNER_PATH = z.string().max(4096);
const PASSWORD = z.string().min(1).optional();
const REASSEMBLE = z.strictObject({
  fileId: FILE_ID,
  path: INNER_PATH.optional(),
  outputPath: z.string().min(1).max(4096),
  password: PASSWORD,
});
const VERIFY = z.strictObject({
  fileId: FILE_ID.optional(),
  readData: z.boolean().optional(),
  password: PASSWORD,
});

export function apiReadRoutes(api: Api): readonly Route[] {
  return [
    { method: 'POST', path: '/api/reassemble', audience: 'local', handle: (call) => reassemble(api, call) },
    { method: 'POST', path: '/api/verify', audience: 'local', handle: (call) => check(api, call) },
  ];
}

async function reassemble(api: Api, call: Call): Promise<void> {
  const { fileId, path: asked, outputPath, password } = REASSEMBLE.parse(await requiredJson(call.request));
  // Before the password is worked on: what leads elsewhere is refused for trees and files alike.
  await pathBelow(api.settings.outputDir, outputPath);
  const signal = api.signalOf(call);
  const result = await api.tasks.run('reassemble', taskIdOf(call), signal, async (tell) => {
    using lease = await api.lease(call, password);
    const { vault } = lease;
    tell({ name: outputPath });
    const part = asked === undefined ? resolvePart(vault, fileId) : partOf(vault, fileId, asked);
    const options = {
      workers: api.settings.workers,
      source: api.source(vault),
      signal,
      onProgress: (progress: ReassembleProgress) => tell({ state: 'running', ...progress }),
    };
    return await api.reads.run(signal, async () => {
      const kind = await partKind(vault, part, options);
      const path = await pathBelow(api.settings.outputDir, outputPath, kind);
      return await writePart(vault, part, { ...options, kind, path }).catch(renamed);
    });
  });
  replyData(call.response, 200, 'written', result);
}

/** @throws what {@link restoreFailure} makes of a tree that came back in part */
async function writePart(
  vault: Vault,
  { id, inner }: FoundPart,
  { kind, ...options }: ReadOptions & { readonly kind: ManifestKind; readonly path: string },
): Promise<ReassembleResult> {
  if (kind === 'file') return await reassembleFile(vault, inner === '' ? id : `${id}:${inner}`, options);
  const { failures, failed, lostAttributes, ...written } = await restoreTree(vault, id, {
    ...options,
    inner,
  });
  const failure = restoreFailure({ failures, failed, lostAttributes, path: written.path });
  if (failure !== undefined) throw failure;
  return written;
}

/** The command has an option to overwrite, the API has none. */
function renamed(error: unknown): never {
  if (!isDisktroError(error, 'E_OUTPUT_EXISTS')) throw error;
  const hint = 'name another outputPath: nothing is overwritten';
  throw new DisktroError(error.code, `outputPath: ${error.message}`, { hint, cause: error });
}

async function check(api: Api, call: Call): Promise<void> {
  const body = VERIFY.parse((await readJsonBody(call.request)) ?? {});
  const signal = api.signalOf(call);
  const result = await api.tasks.run('verify', taskIdOf(call), signal, async (tell) => {
    using lease = await api.lease(call, body.password);
    const { vault } = lease;
    const ids = body.fileId === undefined ? undefined : [resolveFileId(vault, body.fileId)];
    return await api.reads.run(signal, async () => {
      const found = await verify(vault, {
        ids,
        readData: body.readData,
        workers: api.settings.workers,
        signal,
        onProgress: ({ bytes, totalBytes, objects }) =>
          tell({ state: 'running', bytes, totalBytes, chunks: objects }),
        onFinding: ({ id, message }) => api.node.log.error(`verify: ${id}: ${message}`),
      });
      throwOnDamage(found);
      return found;
    });
  });
  replyData(call.response, 200, `${result.objects} objects, all good`, result);
}

/** @throws 422 with what was found as its data */
function throwOnDamage(found: VerifyResult): void {
  const { corrupt, missing } = found;
  if (corrupt.length + missing.length === 0) return;
  const code = corrupt.length > 0 ? 'E_CORRUPT' : 'E_OBJECT_MISSING';
  const message = `${corrupt.length} objects corrupt, ${missing.length} missing`;
  const hint =
    'a node that has peers fetches them again by itself; else store the files again where you have them';
  throw withStatus(422, new DisktroError(code, message, { hint, details: { data: found } }));
}
