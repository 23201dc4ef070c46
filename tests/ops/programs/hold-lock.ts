// Takes a lock, or says who has it: hold-lock take|look FILE. Holds it until stdin ends.
import { isLocked, ProcessLock } from '../../../src/catalog/lock.js';

const [action, file = ''] = process.argv.slice(2);
if (action === 'look') {
  process.stdout.write(isLocked(file) ? 'locked\n' : 'free\n');
} else {
  const lock = ProcessLock.tryAcquire(file);
  process.stdout.write(lock === undefined ? 'refused\n' : 'taken\n');
  for await (const _ of process.stdin);
  lock?.release();
}
