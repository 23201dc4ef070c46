/** Routes of the API by which files come in: to this node and where they belong, or to one peer. */
import * as z from 'zod';
import type { NodeId } from '../../core/ids.js';
import { DisktroError, isDisktroError } from '../../errors.js';
import { type ChunkResult, chunkStream, type Description } from '../../ops/chunk/chunk.js';
import { tooFewCopies } from '../../ops/chunk/too-few-copies.js';
import { putOnMember } from '../../ops/copies/put-on-member.js';
import { allObjectsOf } from '../../ops/files/file-objects.js';
import { resolveFileId } from '../../ops/files/resolve.js';
import type { Vault } from '../../ops/home/vault.js';
import type { Api, ApiSettings } from '../api/api.js';
import { credentialsOf, taskIdOf } from '../api/api.js';
import { openForm, type UploadForm } from '../api/form.js';
import { shownFile } from '../api/shown-files.js';
import type { TaskProgress } from '../api/tasks.js';
import type { Lease } from '../api/vault-door.js';
import { refusal, replyData, requiredJson, withStatus } from '../json-body.js';
import type { Call, Route } from '../router.js';
import { shownById } from './api-files.js';

const DEFAULT_NAME = 'file';

const PUT_ON_PEER = z.strictObject({
  fileId: z.string().min(1).max(4096),
  peerAddress: z.string().min(1).max(300),
  password: z.string().min(1).optional(),
});

type Tell = (progress: TaskProgress) => void;

export function apiStoreRoutes(api: Api): readonly Route[] {
  return [
    { method: 'POST', path: '/api/chunk', audience: 'local', handle: (call) => chunk(api, call) },
    { method: 'POST', path: '/api/upload', audience: 'local', handle: (call) => upload(api, call) },
  ];
}

async function chunk(api: Api, call: Call): Promise<void> {
  using form = await openForm(call.request, ['password', 'name', 'replicas', 'tags']);
  const signal = api.signalOf(call);
  const result = await api.tasks.run('chunk', taskIdOf(call), signal, async (tell) => {
    using lease = await leaseOfForm(api, call, form);
    const stored = await store(api, call, { form, lease, tell, signal, isCopied: true });
    const asked = Number(form.fields.get('replicas') ?? 0);
    const failure = tooFewCopies(stored, Math.max(api.settings.minReplicas, asked));
    if (failure !== undefined) throw failure;
    const { facts, by } = await shownById(api, stored.id, lease.vault);
    return {
      ...shownFile(facts, by),
      copies: { wanted: by.wanted, confirmed: Math.min(by.wanted, stored.copies.confirmed) },
      result: { ...told(stored), degraded: stored.copies.confirmed < by.wanted },
    };
  });
  replyData(call.response, 201, 'stored', result);
}

interface Storing {
  readonly form: UploadForm;
  readonly lease: Lease;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  /** Whether copies are made on other nodes. */
  readonly isCopied: boolean;
  /** Asked when the whole form is there, before anything is listed: throws when the request is not good. */
  readonly check?: () => void;
}

function store(
  api: Api,
  call: Call,
  { form, lease, tell, signal, isCopied, check }: Storing,
): Promise<ChunkResult> {
  const name = form.fields.get('name') ?? form.fileName ?? DEFAULT_NAME;
  const length = Number(call.request.headers['content-length'] ?? Number.NaN);
  tell({ name, totalBytes: Number.isSafeInteger(length) ? length : null });
  return api.writes.run(signal, async () => {
    tell({ state: 'running' });
    const { compression, workers } = api.settings;
    const onProgress = ({ sentBytes }: { readonly sentBytes: number }): void => tell({ sentBytes });
    const stored = await chunkStream(lease.vault, form.file, {
      name: form.fileName ?? DEFAULT_NAME,
      // For the copies that begin while the file is still coming; `describe` has the last word.
      replicas: descriptionOf(form, api.settings).replicas,
      describe: () => {
        check?.();
        return descriptionOf(form, api.settings);
      },
      compression,
      workers,
      signal,
      copier: isCopied ? api.copier(lease.vault, { onProgress }) : undefined,
      onProgress: ({ totalBytes: _, ...progress }) => tell(progress),
      onNotice: (message) => api.node.log.warning(message),
    });
    tell({ bytes: stored.bytes, totalBytes: stored.bytes, name: stored.name });
    return stored;
  });
}

/** What the fields say; `replicas` are the copies to wait for. @throws 400 naming the field */
function descriptionOf(
  { fields, fileName }: UploadForm,
  { replicaCount, minReplicas }: ApiSettings,
): Description {
  const replicas = fields.get('replicas') ?? String(replicaCount);
  const awaited = /^\d{1,3}$/.test(replicas) ? Number(replicas) : 0;
  if (awaited < 1 || awaited > replicaCount) {
    throw refusal(400, `replicas: expected a number from 1 to ${replicaCount} (replica_count)`);
  }
  const tags = (fields.get('tags') ?? '').split(',').map((tag) => tag.trim());
  return {
    name: fields.get('name') ?? fileName ?? DEFAULT_NAME,
    tags: tags.filter((tag) => tag !== ''),
    // Those that are awaited; repair makes the rest.
    replicas: Math.max(awaited, minReplicas),
  };
}

/** @throws 400 when neither a session nor a password was there before the file */
async function leaseOfForm(api: Api, call: Call, form: UploadForm): Promise<Lease> {
  const password = form.early.get('password');
  const shown = credentialsOf(call);
  if (password === undefined && shown.session === undefined && shown.password === undefined) {
    throw refusal(400, 'password: expected before file, or a session in X-Disktro-Session');
  }
  return api.lease(call, password);
}

function told({ bytes, chunks, newChunks, storedBytes, dedupedBytes, seconds }: ChunkResult) {
  return { bytes, chunks, newChunks, storedBytes, dedupedBytes, seconds };
}

async function upload(api: Api, call: Call): Promise<void> {
  const type = call.request.headers['content-type'] ?? '';
  if (/^application\/json\b/i.test(type)) await uploadKnown(api, call);
  else if (/^multipart\/form-data\b/i.test(type)) await uploadForm(api, call);
  else throw refusal(415, 'Content-Type: expected multipart/form-data or application/json');
}

async function uploadKnown(api: Api, call: Call): Promise<void> {
  const { fileId, peerAddress, password } = PUT_ON_PEER.parse(await requiredJson(call.request));
  const signal = api.signalOf(call);
  const data = await api.tasks.run('upload', taskIdOf(call), signal, async (tell) => {
    using lease = await api.lease(call, password);
    const node = memberAt(api, peerAddress);
    const id = resolveFileId(lease.vault, fileId);
    tell({ state: 'running' });
    return await putOn(api, node, { id, vault: lease.vault, tell, signal });
  });
  replyData(call.response, 200, 'on the peer', data);
}

async function uploadForm(api: Api, call: Call): Promise<void> {
  using form = await openForm(call.request, ['password', 'peerAddress', 'name', 'tags']);
  const signal = api.signalOf(call);
  const data = await api.tasks.run('upload', taskIdOf(call), signal, async (tell) => {
    using lease = await leaseOfForm(api, call, form);
    const peer = (): NodeId => {
      const address = form.fields.get('peerAddress');
      if (address === undefined) throw refusal(400, 'peerAddress: expected one');
      return memberAt(api, address);
    };
    // Refused before the file is read, when it is known by then.
    if (form.early.has('peerAddress')) peer();
    const stored = await store(api, call, { form, lease, tell, signal, isCopied: false, check: peer });
    return await putOn(api, peer(), { id: stored.id, vault: lease.vault, tell, signal });
  });
  replyData(call.response, 200, 'on the peer', data);
}

/** The member that has this address, name or id. @throws 403 when there is none: nothing is contacted */
function memberAt(api: Api, address: string): NodeId {
  const { node } = api;
  try {
    const found = node.cluster()?.find(address);
    if (found !== undefined && found !== node.id) return found;
  } catch (error) {
    if (!isDisktroError(error, 'E_NOT_FOUND')) throw error;
  }
  const message = 'peerAddress: no other member of this cluster has it; it was not contacted';
  const hint = 'GET /api/peers lists the members; a machine joins with an invite';
  throw withStatus(403, new DisktroError('E_PEER_REFUSED', message, { hint }));
}

async function putOn(
  api: Api,
  node: NodeId,
  {
    id,
    vault,
    tell,
    signal,
  }: {
    readonly id: ChunkResult['id'];
    readonly vault: Vault;
    readonly tell: Tell;
    readonly signal: AbortSignal;
  },
) {
  const cluster = api.node.cluster();
  if (cluster === undefined) throw refusal(409, 'this node is in no cluster');
  const objects = allObjectsOf(vault, id);
  const { sentBytes } = await putOnMember(vault, cluster, node, objects, {
    agree: () => api.agree(vault),
    signal,
    onProgress: (progress) => tell({ sentBytes: progress.sentBytes }),
  });
  const { facts, by } = await shownById(api, id, vault);
  return { ...shownFile(facts, by), node, objects: objects.length, sentBytes };
}
