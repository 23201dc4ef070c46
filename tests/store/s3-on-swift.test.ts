// The same contract on another engine, one that does without conditional PUT: OpenStack Swift. Sources: src/store/s3-store.ts.
import t from 'tap';
import { testBucket } from './bucket-contract.js';
import { Swift, swiftMissing } from './swift.js';

const skip = swiftMissing();
if (skip === false) {
  const swift = await Swift.start();
  t.teardown(() => swift.stop());
  testBucket('s3 on Swift', swift);
} else {
  t.test('s3 on Swift', { skip }, async () => {});
}
