/**
 * The folder node/ of a home: who this node is, which cluster it belongs to and whom it knows (docs/PROTOCOL.md,
 * "Identity"). Every file is replaced as a whole, so that a running `serve` and a command may both read and write.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { NodeId } from '../../core/ids.js';
import { fileSystemError, integrityError, usageError } from '../../errors.js';
import { type Credentials, createNodeKey, isPair, nodeKeyFromPem } from '../../net/certificates.js';
import { distinctName } from '../../net/distinct-name.js';
import type { FileSystem } from '../../store/file-system.js';
import { readSmallFile, writeFileDurably } from '../../store/file-system.js';
import type { HomePaths } from '../../store/paths.js';
import type { KnownHolder } from '../holders/holder-access.js';
import type { OpenHome } from '../home/home.js';

/** What a node says of itself, besides what it measures. */
export interface NodeSettings {
  readonly name: string;
  readonly zone: string;
  /** `host:port`, how others reach it; empty: its interfaces' addresses. */
  readonly addresses: readonly string[];
  /** Where `serve` listened last; 0: it never did. */
  readonly port: number;
  /** Grows with every record it signs. */
  readonly seq: number;
}

export interface OpenInvite {
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  /** The secret itself, hex: the proof of the one who joins is checked with it. */
  readonly secret: string;
  readonly endMs: number;
}

export interface NodeIdentity {
  readonly id: NodeId;
  readonly keyPem: string;
  readonly settings: NodeSettings;
  /** undefined: it belongs to no cluster yet. */
  readonly credentials: Credentials | undefined;
  /** Of nodes that may invite. */
  readonly caKeyPem: string | undefined;
}

const MAX_NODE_FILE_BYTES = 32 * 1024 * 1024;

export class NodeFiles {
  readonly #fileSystem: FileSystem;
  readonly #paths: HomePaths;
  readonly #token: string;
  readonly #outer: OpenHome['outer'];

  constructor({
    fileSystem,
    paths,
    token,
    outer,
  }: Pick<OpenHome, 'fileSystem' | 'paths' | 'token' | 'outer'>) {
    this.#outer = outer;
    this.#fileSystem = fileSystem;
    this.#paths = paths;
    this.#token = token;
  }

  /** @returns undefined when this home is no node yet. @throws E_IO, E_CORRUPT */
  async read(): Promise<NodeIdentity | undefined> {
    const keyPem = await this.#text('key.pem');
    if (keyPem === undefined) return undefined;
    const [certificatePem, caPem, caKeyPem] = await Promise.all(
      ['certificate.pem', 'ca.pem', 'ca-key.pem'].map((name) => this.#text(name)),
    );
    const identity = { id: this.#idOf(keyPem), keyPem, settings: await this.settings() };
    if (certificatePem === undefined || caPem === undefined)
      return { ...identity, credentials: undefined, caKeyPem: undefined };
    // A machine that had founded a cluster of its own and has joined another still has the key of the first.
    const isOfThisCluster = caKeyPem !== undefined && isPair(caPem, caKeyPem);
    return {
      ...identity,
      credentials: { keyPem, certificatePem, caPem },
      caKeyPem: isOfThisCluster ? caKeyPem : undefined,
    };
  }

  /**
   * The identity, made when there is none.
   * @param name what a person calls this machine
   * @throws E_USAGE when the objects of this home are in a bucket: it has none to hold for others or to compare
   */
  async ensure(name: string): Promise<NodeIdentity> {
    const found = await this.read();
    if (found !== undefined) return found;
    if (this.#outer !== undefined) {
      throw usageError(
        `this home keeps its objects in ${this.#outer.where}: it is no node of a cluster`,
        'make a vault in a home of its own, and give it the bucket with `disktro peers add`',
      );
    }
    await this.#fileSystem.makeFolder(this.#paths.node);
    await this.writeSettings({ name, zone: '', addresses: [], port: 0, seq: 1 });
    await this.#write('key.pem', createNodeKey().keyPem);
    return (await this.read()) as NodeIdentity;
  }

  async settings(): Promise<NodeSettings> {
    const json = (await this.#json('node.json')) as Partial<NodeSettings> | undefined;
    const { name = '', zone = '', addresses = [], port = 0, seq = 0 } = json ?? {};
    return { name, zone, addresses, port, seq };
  }

  async writeSettings(settings: NodeSettings): Promise<void> {
    await this.#writeJson('node.json', { v: 1, ...settings });
  }

  async writeCredentials(
    credentials: Pick<Credentials, 'certificatePem' | 'caPem'>,
    caKeyPem?: string,
  ): Promise<void> {
    if (caKeyPem !== undefined) await this.#write('ca-key.pem', caKeyPem);
    await this.#write('ca.pem', credentials.caPem);
    await this.#write('certificate.pem', credentials.certificatePem);
  }

  /** The other members, as last heard: for showing, not for trusting. */
  async otherMembers(): Promise<readonly NodeId[]> {
    const json = ((await this.members()) ?? {}) as {
      readonly records?: readonly { readonly id?: unknown }[];
    };
    const ids = (json.records ?? []).map(({ id }) => id).filter((id): id is NodeId => typeof id === 'string');
    if (ids.length === 0) return [];
    const self = (await this.read())?.id;
    return ids.filter((id) => id !== self);
  }

  /** What people call the members, as last heard: for showing, not for trusting. */
  async memberNames(): Promise<ReadonlyMap<NodeId, string>> {
    const { records = [] } = ((await this.members()) ?? {}) as {
      readonly records?: readonly { readonly id: NodeId; readonly name?: unknown }[];
    };
    const named = records.map(({ id, name }) => ({ id, name: typeof name === 'string' ? name : '' }));
    return new Map(named.map(({ id }) => [id, distinctName(named, id)]));
  }

  /** Records and removals as last heard, unchecked. */
  async members(): Promise<unknown> {
    return this.#json('members.json');
  }

  /** The same, empty when there are none yet. */
  async knownMembers(): Promise<{ readonly records: unknown[]; readonly removals: unknown[] }> {
    const json = (await this.members()) as Partial<Record<string, unknown[]>> | undefined;
    return { records: json?.records ?? [], removals: json?.removals ?? [] };
  }

  async writeMembers(snapshot: unknown): Promise<void> {
    await this.#writeJson('members.json', snapshot);
  }

  async invites(nowMs: number): Promise<readonly OpenInvite[]> {
    const json = ((await this.#json('invites.json')) ?? []) as readonly OpenInvite[];
    return json.filter(({ endMs }) => endMs > nowMs);
  }

  async writeInvites(invites: readonly OpenInvite[]): Promise<void> {
    await this.#writeJson('invites.json', invites);
  }

  /** The slots that this machine's vault had when its record was last agreed on with the others; undefined: never. */
  async agreedSlots(): Promise<readonly string[] | undefined> {
    const json = (await this.#json('slots.json')) as { readonly slots?: readonly string[] } | undefined;
    return json?.slots;
  }

  async writeAgreedSlots(slots: readonly string[]): Promise<void> {
    await this.#writeJson('slots.json', { v: 1, slots });
  }

  /** The vault whose owner may have the key of the CA: the first one that asked; undefined: none yet. */
  async ownerVault(): Promise<string | undefined> {
    return ((await this.#json('owner.json')) as { readonly vault?: string } | undefined)?.vault;
  }

  async writeOwnerVault(vault: string): Promise<void> {
    await this.#writeJson('owner.json', { v: 1, vault });
  }

  /** Buckets and folders that this machine may use, with keys that are not found elsewhere. */
  async holders(): Promise<readonly KnownHolder[]> {
    const json = (await this.#json('holders.json')) as
      | { readonly holders?: readonly KnownHolder[] }
      | undefined;
    return json?.holders ?? [];
  }

  async writeHolders(holders: readonly KnownHolder[]): Promise<void> {
    await this.#writeJson('holders.json', { v: 1, holders });
  }

  /** When any of the files was last replaced, ns; for a running `serve` to notice. */
  async changedNs(): Promise<bigint> {
    const stat = await this.#fileSystem.stat(this.#paths.node);
    return stat?.mtimeNs ?? 0n;
  }

  /** The token of the page and the API, made when there is none. */
  async apiToken(): Promise<string> {
    const found = await this.#read(this.#paths.apiToken);
    if (found !== undefined && /^[0-9a-f]{64}\n?$/.test(found)) return found.trim();
    const token = randomBytes(32).toString('hex');
    await this.#replace(this.#paths.apiToken, `${token}\n`);
    return token;
  }

  #idOf(keyPem: string): NodeId {
    try {
      return nodeKeyFromPem(keyPem).nodeId;
    } catch (cause) {
      throw integrityError('E_CORRUPT', `${path.join(this.#paths.node, 'key.pem')}: is no private key`, {
        cause,
      });
    }
  }

  async #text(name: string): Promise<string | undefined> {
    return this.#read(path.join(this.#paths.node, name));
  }

  async #read(file: string): Promise<string | undefined> {
    try {
      for (;;) {
        const stat = await this.#fileSystem.stat(file);
        if (stat === undefined) return undefined;
        const expected = Math.min(stat.bytes, MAX_NODE_FILE_BYTES);
        const bytes = await readSmallFile(this.#fileSystem, file, expected);
        // Longer than it was a moment ago: it was replaced in between, and what was read is not all of it.
        if (bytes === undefined || bytes.byteLength <= expected) return bytes?.toString('utf8');
      }
    } catch (error) {
      throw fileSystemError(error, `reading ${file}`);
    }
  }

  async #json(name: string): Promise<unknown> {
    const text = await this.#text(name);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw integrityError('E_CORRUPT', `${path.join(this.#paths.node, name)}: is not JSON`, { cause });
    }
  }

  async #write(name: string, text: string): Promise<void> {
    await this.#replace(path.join(this.#paths.node, name), text);
  }

  async #writeJson(name: string, json: unknown): Promise<void> {
    await this.#write(name, `${JSON.stringify(json)}\n`);
  }

  async #replace(file: string, text: string): Promise<void> {
    const name = `${this.#token}-${randomBytes(4).toString('hex')}`;
    const temporary = path.join(this.#paths.temporary, name);
    try {
      await writeFileDurably(this.#fileSystem, temporary, file, Buffer.from(text, 'utf8'));
    } catch (error) {
      throw fileSystemError(error, `writing ${file}`);
    }
  }
}
