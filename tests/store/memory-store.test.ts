// Objects in memory keep the contract of all stores. Sources: src/store/memory-store.ts.
import t from 'tap';
import { MemoryStore } from '../../src/store/memory-store.js';
import { sampleObject, testObjectStore } from './object-store-contract.js';

testObjectStore('a memory store', async () => new MemoryStore());

t.test('a memory store shares nothing with another one', async (t) => {
  const [one, other] = [new MemoryStore(), new MemoryStore()];
  const { id, bytes } = sampleObject('one');
  await one.put('chunk', id, bytes);
  await t.rejects(other.get('chunk', id), { code: 'E_OBJECT_MISSING' });
});
