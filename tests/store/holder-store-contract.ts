// What buckets and folders do besides what all stores do. Sources: src/store/holder-store.ts.
import type { Test } from 'tap';
import t from 'tap';
import type { NodeId, VaultId } from '../../src/core/ids.js';
import { HolderClient } from '../../src/ops/holders/holder-client.js';
import type { HolderStore } from '../../src/store/holder-store.js';
import { sampleObject, testObjectStore } from './object-store-contract.js';

export interface OpenHolder {
  readonly store: HolderStore;
  /** Puts other bytes where an object lies, behind the store's back. */
  readonly tamper: (key: string, bytes: Uint8Array) => Promise<void>;
  /** The bytes that lie at a key, read without the store. */
  readonly peek: (key: string) => Promise<Buffer>;
}

const [VAULT, OTHER] = ['ab'.repeat(16), 'cd'.repeat(16)] as [VaultId, VaultId];

/** The contract of all stores, and that of holders. */
export function testHolderStore(name: string, open: (test: Test) => Promise<OpenHolder>): void {
  testObjectStore(name, async (test) => (await open(test)).store);
  const claim = (title: string, work: (t: Test, holder: OpenHolder) => Promise<void>): void => {
    t.test(`${name} ${title}`, async (t) => work(t, await open(t)));
  };

  claim('has each object under kind, two digits and id', async (t, { store, peek }) => {
    const { id, bytes } = sampleObject('keys', 500);
    await store.put('chunk', id, bytes);
    await store.put('manifest', id, bytes);
    for (const kind of ['chunks', 'manifests']) {
      t.ok((await peek(`${kind}/${id.slice(0, 2)}/${id}`)).equals(bytes), kind);
    }
  });

  claim(
    'takes the right bytes in the place of wrong ones, and its client gives no others',
    async (t, holder) => {
      const { store, tamper } = holder;
      const client = new HolderClient('holder' as NodeId, store);
      const { id, bytes } = sampleObject('verified', 5000);
      await store.put('chunk', id, bytes);
      const key = `chunks/${id.slice(0, 2)}/${id}`;
      const other = Buffer.from(bytes);
      other[2500] = (other[2500] ?? 0) ^ 1;
      for (const wrong of [other, bytes.subarray(0, 4999), Buffer.alloc(0)]) {
        await tamper(key, wrong);
        await t.rejects(client.readObject('chunk', id, Buffer.alloc(6000)), { code: 'E_OBJECT_ID' });
      }
      t.equal(await store.put('chunk', id, bytes), true, 'what was cut is not taken for known');
      await tamper(key, other);
      await store.replace('chunk', id, bytes);
      t.equal(await client.readObject('chunk', id, Buffer.alloc(6000)), 5000);
    },
  );

  claim(
    'keeps notes, replaced as a whole, and lists the vaults that have one',
    async (t, { store, peek }) => {
      t.equal(await store.readNote('holder.json'), undefined);
      t.same(await store.vaults(), []);
      await store.writeNote('holder.json', Buffer.from('a longer text'));
      await store.writeNote('holder.json', Buffer.from('short'));
      await store.writeNote(`vault/${OTHER}`, Buffer.from('2'));
      await store.writeNote(`vault/${VAULT}`, Buffer.from('1'));
      t.equal(String(await store.readNote('holder.json')), 'short');
      t.equal(String(await peek('holder.json')), 'short');
      t.equal(String(await store.readNote(`vault/${OTHER}`)), '2');
      t.same(await store.vaults(), [VAULT, OTHER]);
      t.same(await store.list('chunk'), [], 'notes are no objects');
      t.match(await store.usage(), { objects: 0, bytes: 0 });
    },
  );
}
