// The folder node/ of a home. Sources: src/ops/cluster/node-files.ts.
import { writeFileSync } from 'node:fs';
import t from 'tap';
import { NodeFiles } from '../../../src/ops/cluster/node-files.js';
import { openNodeHome } from '../../../src/ops/home/home.js';
import { scratchFolder } from '../scratch-home.js';

t.test('says which file is damaged when the private key is none', async (t) => {
  const home = await openNodeHome({ home: scratchFolder(t) });
  t.teardown(() => home.close());
  const files = new NodeFiles(home);
  const { id } = await files.ensure('barn');
  t.equal((await files.read())?.id, id);
  writeFileSync(`${home.paths.node}/key.pem`, 'no key');
  await t.rejects(files.read(), { code: 'E_CORRUPT', message: /key\.pem: is no private key/ });
});
