/**
 * Properties by fast-check. The seed is printed, and `DISKTRO_TEST_SEED=<seed>` runs with it again;
 * a failure names seed, path and the smallest counterexample.
 */
import fc from 'fast-check';
import t from 'tap';

const given = Number.parseInt(process.env.DISKTRO_TEST_SEED ?? '', 10);
const seed = Number.isNaN(given) ? Math.floor(Math.random() * 2 ** 31) : given;

/** A test whose title is the claim; it holds for `runs` values of each arbitrary. */
export function holds<Values extends [unknown, ...unknown[]]>(
  claim: string,
  arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  check: (...values: Values) => boolean | Promise<boolean>,
  runs = 100,
): void {
  t.test(claim, async (t) => {
    t.comment(`seed ${seed}`);
    const property = fc.asyncProperty(...arbitraries, async (...values: Values) => check(...values));
    const result = await fc.check(property, { seed, numRuns: runs });
    t.notOk(result.failed, fc.defaultReportMessage(result) ?? `held ${result.numRuns} times`);
  });
}

/** Bytes of any length up to `most`, of few symbols or many. */
export function bytes(most: number): fc.Arbitrary<Buffer> {
  const anything = fc.uint8Array({ maxLength: most });
  const fewSymbols = fc.array(fc.constantFrom(0, 1, 97), { maxLength: most });
  return fc.oneof(anything, fewSymbols).map((values) => Buffer.from(values));
}
