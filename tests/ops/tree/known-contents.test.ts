// Which small contents a tree has had already. Source: src/ops/tree/known-contents.ts.
import t from 'tap';
import { contentHash, KnownContents } from '../../../src/ops/tree/known-contents.js';

const EXTENT = { chunk: 7, offset: 11, length: 13 };

t.test('a content is found by its hash, and by nothing that differs in one word of it', async (t) => {
  const contents = new KnownContents();
  const hash = contentHash(Buffer.from('a content'));
  t.equal(contents.find(hash), undefined);
  contents.learn(hash, EXTENT);
  t.same(contents.find(contentHash(Buffer.from('a content'))), EXTENT);
  for (let word = 0; word < 5; word++) {
    const other = Uint32Array.from(hash);
    other[word] = (other[word] ?? 0) ^ 1;
    t.equal(contents.find(other), undefined, `word ${word}`);
  }
});

t.test('of two that share a place the later is remembered', async (t) => {
  const contents = new KnownContents();
  const hash = contentHash(Buffer.from('first'));
  const other = Uint32Array.from(hash, (word, index) => (index === 0 ? word ^ 1 : word));
  contents.learn(hash, EXTENT);
  contents.learn(other, { ...EXTENT, chunk: 8 });
  t.equal(contents.find(hash), undefined);
  t.same(contents.find(other), { ...EXTENT, chunk: 8 });
});
