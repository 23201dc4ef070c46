// The values of fixtures/vectors/manifests.json. Source: src/core/manifest.ts, src/core/cbor.ts, src/core/list.ts.
import t from 'tap';
import { decodeCbor, encodeCbor } from '../../src/core/cbor.js';
import { decodeEntry, encodeEntry } from '../../src/core/entry.js';
import { decodeRef, encodeRef } from '../../src/core/list.js';
import { decodeManifest, encodeManifest } from '../../src/core/manifest.js';
import type { ManifestVector, ManifestVectors } from './makers/manifest-vectors.js';
import { manifestVectors } from './makers/manifest-vectors.js';
import { fromRuns, readVectors } from './vectors.js';

const { vectors, source } = readVectors<ManifestVectors>('manifests');

/** Reads the bytes as what they are offered as. */
const readers: Readonly<Record<ManifestVector['as'], (bytes: Uint8Array) => unknown>> = {
  manifest: decodeManifest,
  entry: (bytes) => decodeEntry(decodeCbor(bytes)),
  reference: (bytes) => decodeRef(decodeCbor(bytes)),
};

/** Reads and writes them again. */
const rewriters: Readonly<Record<ManifestVector['as'], (bytes: Uint8Array) => Uint8Array>> = {
  manifest: (bytes) => encodeManifest(decodeManifest(bytes)),
  entry: (bytes) => encodeCbor(encodeEntry(decodeEntry(decodeCbor(bytes)))),
  reference: (bytes) => encodeCbor(encodeRef(decodeRef(decodeCbor(bytes)))),
};

t.test('the file is what its maker writes', async (t) => {
  t.same({ source, vectors }, JSON.parse(JSON.stringify(manifestVectors())));
});

t.test('no two vectors are alike', async (t) => {
  const inputs = vectors.map(({ as, cbor }) => `${as} ${fromRuns(cbor).toString('hex')}`);
  t.equal(new Set(inputs).size, vectors.length);
  t.equal(new Set(vectors.map(({ as, name }) => `${as} ${name}`)).size, vectors.length, 'nor are two names');
});

for (const { name, as, cbor, error } of vectors) {
  const bytes = fromRuns(cbor);
  if (error === undefined) {
    t.test(`reads and writes: ${name}`, async (t) => {
      t.ok(bytes.equals(rewriters[as](bytes)));
    });
  } else {
    t.test(`refuses with ${error}: ${name}`, async (t) => {
      t.throws(() => readers[as](bytes), { name: 'DisktroError', code: error });
    });
  }
}
