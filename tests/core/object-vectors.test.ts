// The objects of fixtures/vectors/objects.json, opened with each codec. Source: src/core/object.ts.
import { createHash } from 'node:crypto';
import t from 'tap';
import type { BlockDecoder } from '../../src/core/codec.js';
import type { VaultId } from '../../src/core/ids.js';
import { lz4Codecs, zstdDecoders } from './codecs.js';
import type { ObjectVector, ObjectVectors } from './makers/object-vectors.js';
import { objectVectors } from './makers/object-vectors.js';
import type { Opening } from './vault-of-tests.js';
import { tryOpen } from './vault-of-tests.js';
import { fromHex, readVectors, toHex } from './vectors.js';

const file = readVectors<ObjectVectors>('objects');

/** Each is used for objects of its own codec only. */
const decoders: readonly BlockDecoder[] = [...lz4Codecs, ...zstdDecoders];

function openVector(vector: ObjectVector, codec: BlockDecoder): Opening {
  const object = fromHex(vector.object);
  return tryOpen(object, {
    id: vector.id ?? createHash('sha256').update(object).digest('hex'),
    kind: vector.kind,
    maxRawBytes: vector.maxRawBytes,
    ...(vector.rawBytes === undefined ? {} : { rawBytes: vector.rawBytes }),
    keys: {
      vaultId: (vector.vaultId ?? file.vaultId) as VaultId,
      objectKey: fromHex(vector.objectKey ?? file.objectKey),
    },
    codec,
  });
}

t.test('the file is what its maker writes', async (t) => {
  t.same(file, JSON.parse(JSON.stringify(objectVectors())));
});

t.test('there is a vector for every code an object can be refused with', async (t) => {
  const codes = new Set(file.vectors.map(({ error }) => error).filter((code) => code !== undefined));
  t.same([...codes].sort(), [
    'E_OBJECT_BODY',
    'E_OBJECT_CODEC',
    'E_OBJECT_ID',
    'E_OBJECT_LENGTH',
    'E_OBJECT_MAGIC',
    'E_OBJECT_PADDING',
    'E_OBJECT_SIZES',
    'E_OBJECT_TAG',
    'E_OBJECT_TYPE',
    'E_OBJECT_VAULT',
  ]);
});

for (const vector of file.vectors) {
  const claim = vector.error === undefined ? 'opens' : `refuses with ${vector.error}`;
  t.test(`${claim}: ${vector.name}`, async (t) => {
    for (const codec of decoders) {
      const { content, code, asked } = openVector(vector, codec);
      t.equal(code, vector.error, codec.name);
      t.equal(content && toHex(content), vector.content, 'its content');
      const isPastChecks = vector.error === undefined || vector.error === 'E_OBJECT_BODY';
      t.equal(
        asked.length,
        isPastChecks ? 1 : 0,
        'the output is asked for once all is checked, and not before',
      );
    }
  });
}
