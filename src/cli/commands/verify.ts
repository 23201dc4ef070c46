/** `disktro verify`: checks what is stored; exit 13 when something is corrupt, else 14 when something is missing. */
import { accessSync, constants } from 'node:fs';
import type { FileId } from '../../core/ids.js';
import { DisktroError } from '../../errors.js';
import { NodeFiles } from '../../ops/cluster/node-files.js';
import { resolveFileId } from '../../ops/files/resolve.js';
import { storedName } from '../../ops/files/stored-facts.js';
import type { Home } from '../../ops/home/home.js';
import type { Vault } from '../../ops/home/vault.js';
import { openedHome } from '../../ops/home/vault.js';
import { type VerifyResult, verify } from '../../ops/upkeep/verify.js';
import { type Context, openHome, openVault, progressOf } from '../context.js';
import { escapeControls } from '../escape.js';
import { unaskedVault } from '../unasked-vault.js';
import { count, formatBytes } from '../units.js';

interface VerifyFlags {
  readonly readData?: boolean;
  readonly repair?: boolean;
}

export async function run(context: Context, texts: readonly string[], flags: VerifyFlags): Promise<void> {
  const isKeyNeeded = texts.length > 0 || flags.readData === true;
  const isReadOnly = flags.repair !== true && !isWritable(context.config.home);
  await using home = await (isKeyNeeded ? openVault : openHome)(context, { isReadOnly });
  const ids = texts.map((text) => resolveFileId(home, text));
  const result = await check(context, home, ids, flags);
  if (context.output.isJson) context.output.record(result);
  else context.output.result(summary(result));
  if (result.corrupt.length + result.missing.length === 0) return;
  const peers = await new NodeFiles(openedHome(home)).otherMembers();
  throwOnDamage(result, peers.length > 0);
}

/** What was found is noted in the catalog, where that can be written; a home on a read-only disk is checked too. */
function isWritable(home: string): boolean {
  try {
    accessSync(home, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function check(
  context: Context,
  home: Home,
  ids: readonly string[],
  flags: VerifyFlags,
): Promise<VerifyResult> {
  const { output, signal, config } = context;
  using progress = await progressOf(context, { label: 'verify', unit: 'bytes' });
  await using names = fileNames(context, home);
  return await verify(home, {
    ...(ids.length === 0 ? {} : { ids }),
    readData: flags.readData ?? false,
    repair: flags.repair ?? false,
    workers: config.workers,
    signal,
    onProgress: (facts) => {
      const detail = `${facts.objects}/${facts.totalObjects} objects`;
      progress.update({ done: facts.bytes, total: facts.totalBytes, detail }, facts);
    },
    onFinding: (finding) => {
      if (output.isJson) output.event({ finding });
      else output.notice(escapeControls(`${finding.id}: ${finding.message}`), {});
    },
    onHitFile: async (file) => {
      const name = await names.of(file);
      if (output.isJson) output.event({ file, ...(name === undefined ? {} : { name }) });
      else output.notice(`file ${file}${name === undefined ? '' : ` (${escapeControls(name)})`} is hit`, {});
    },
  });
}

/** Names of files where they can be had without a question; nothing is opened for them until one is asked for. */
function fileNames(context: Context, home: Home) {
  let asked: Promise<Vault | undefined> | undefined;
  const isOpen = 'slotId' in home;
  return {
    async of(file: FileId): Promise<string | undefined> {
      asked ??= isOpen ? Promise.resolve(home as Vault) : unaskedVault(context, 'names are not told');
      const vault = await asked;
      return vault === undefined ? undefined : storedName(vault, file);
    },
    async [Symbol.asyncDispose]() {
      if (!isOpen) await (await asked)?.close();
    },
  };
}

function summary({ objects, bytes, ok, corrupt, missing, repaired, files }: VerifyResult): string {
  const total = `${count(objects, 'object')}, ${formatBytes(bytes)}`;
  if (corrupt.length === 0 && missing.length === 0) return `${total}: all good`;
  const parts = [`${ok} good`, `${corrupt.length} corrupt`, `${missing.length} missing`];
  if (repaired.length > 0) parts.push(`${repaired.length} repaired`);
  return `${total}: ${parts.join(', ')}; ${count(files.length, 'file')} hit`;
}

function throwOnDamage({ corrupt, missing, files }: VerifyResult, hasPeers: boolean): void {
  const details = { corrupt: corrupt.length, missing: missing.length, files: files.length };
  const first = hasPeers ? 'run `disktro repair`: it fetches what other nodes have whole; else ' : '';
  if (corrupt.length > 0) {
    const missingText = missing.length > 0 ? `, ${missing.length} missing` : '';
    throw new DisktroError('E_CORRUPT', `${count(corrupt.length, 'object')} corrupt${missingText}`, {
      hint: `${first}\`disktro verify --repair\` puts them aside; chunk the same files again to store them anew`,
      details,
    });
  }
  if (missing.length > 0) {
    throw new DisktroError('E_OBJECT_MISSING', `${count(missing.length, 'object')} missing`, {
      hint: `${first}chunk the files again that held them, where you still have them`,
      details,
    });
  }
}
