// Starts three machines with sample files and prints the link to the page of the first. Ctrl-C stops it all and removes
// what was made.
//   node scripts/demo-page.mjs
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DemoMachine } from './demo/machine.mjs';
import { password, startPageCluster } from './demo/page-cluster.mjs';
import { ensure, runMain } from './ensure.mjs';

function stopped() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve);
  });
}

async function main() {
  await ensure();
  const folder = mkdtempSync(join(tmpdir(), 'disktro-page-'));
  const end = stopped();
  process.once('exit', () => {
    DemoMachine.endAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  console.log('Starting three machines and storing sample files…');
  // Ctrl-C while it starts must not wait for the rest.
  const cluster = await Promise.race([startPageCluster(folder), end.then(() => undefined)]);
  if (cluster === undefined) process.exit(130);
  console.log(`\nThe page:     ${cluster.url}`);
  console.log(`The password: ${password}`);
  const victim = cluster.machines[1];
  console.log(`\nTo see a machine go offline: kill ${victim.pid}   (${victim.name})`);
  console.log('Ctrl-C stops the three machines and removes their files.');
  await end;
  console.log('\nStopping.');
  DemoMachine.endAll();
  process.exit(0);
}

await runMain(main);
