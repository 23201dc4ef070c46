/** Entries of every shape, for property tests. */
import fc from 'fast-check';
import type { Entry } from '../../src/core/entry.js';

const edges = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
const whole = fc.oneof(fc.constantFrom(...edges), fc.nat());
const name = fc.oneof(
  fc.stringMatching(/^[a-z ]{1,40}$/),
  fc.constantFrom('süß', '\u{1f600}', 'x'.repeat(4000)),
);
const path = fc.oneof(
  name,
  fc.tuple(name, name).map((parts) => parts.join('/')),
  fc
    .uint8Array({ minLength: 1, maxLength: 30 })
    .map((bytes) => Uint8Array.from(bytes, (byte) => byte | 0x80)),
);
const timeNs = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, -24n, -25n, 2n ** 32n - 1n, 2n ** 32n, -(2n ** 32n) - 1n),
);
const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(values, { nil: undefined });

export const anyEntry: fc.Arbitrary<Entry> = fc
  .record({
    path,
    mode: fc.nat(0o7777),
    uid: fc.nat(2 ** 31),
    gid: fc.nat(2 ** 31),
    mtimeNs: timeNs,
    user: optional(name),
    group: optional(name),
    btimeNs: optional(timeNs),
    ctimeNs: optional(timeNs),
    inode: optional(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    device: optional(fc.constant([8, 2 ** 32 - 1] as const)),
    target: optional(path),
    xattrs: optional(
      fc.constant(
        new Map([
          ['user.b', Buffer.from('1')],
          ['user.a', Buffer.alloc(300)],
        ]),
      ),
    ),
    extents: fc.array(fc.record({ chunk: whole, offset: whole, length: fc.nat(2 ** 40) }), { maxLength: 30 }),
  })
  .map(({ extents, ...fields }) => {
    const known = Object.entries(fields).filter(([, value]) => value !== undefined);
    const sizeBytes = extents.reduce((sum, { length }) => sum + length, 0);
    return { ...Object.fromEntries(known), type: 'file', sizeBytes, extents } as unknown as Entry;
  });
