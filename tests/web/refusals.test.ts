// What the page says when the server cannot or will not: a disk that fills while a file is uploaded, and too many wrong
// passwords. Sources: src/web/api/page-error.ts, src/web/chunk/queue-card.tsx, src/web/shell/password-dialog.tsx.
import t from 'tap';
import { PASSWORD } from '../cli/place.js';
import { until } from '../cluster/node.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { startApi } from '../server/api/api-node.js';
import { startOnFullDisk } from '../server/api/full-disk.js';
import { giveThePassword, openTab, TestBrowser, unlock } from './browser.js';

// Others may use the same processors.
t.setTimeout(600_000);

const MIB = 1024 ** 2;
const browser = await TestBrowser.start(t);
const { node: guarded } = await startApi(t);
const { node: patient } = await startApi(t);
const full = await startOnFullDisk(t, 48);

browser.page(
  'after five wrong passwords the page says how long to wait, and takes no more until then',
  guarded,
  { mayComplain: ['403 (Forbidden)', '429 (Too Many Requests)'] },
  async (t, page) => {
    await page.getByRole('button', { name: 'Unlock', exact: true }).click();
    const problem = page.locator('dialog .problem');
    for (let tries = 0; tries < 5; tries++) {
      await giveThePassword(page, `wrong ${tries}`);
      await problem.getByText(/wrong password/).waitFor();
    }
    await giveThePassword(page, PASSWORD);
    await problem.getByText('Too many wrong passwords.').waitFor();
    const wait = page.locator('dialog').getByText(/^Try again in (\d+ s|1 min)\.$/);
    const first = await wait.textContent();
    await until('it counts down', async () => (await wait.textContent()) !== first);
    t.equal((await page.locator('dialog').textContent())?.match(/wait|again in/gi)?.length, 1, 'said once');
    t.ok(await page.getByRole('button', { name: 'Lock', exact: true }).isHidden(), 'not even the right one');
  },
);

browser.page(
  'files that were chosen are kept when the password is not given, and stored when it is',
  patient,
  {},
  async (t, page) => {
    await openTab(page, 'Chunk');
    const buffer = Buffer.from('13 bytes here');
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([{ name: 'kept.txt', mimeType: 'text/plain', buffer }]);
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByText('1 file is chosen').waitFor();
    await page.getByRole('button', { name: 'Store it' }).click();
    await giveThePassword(page, PASSWORD);
    await page.getByText('1 of 1 stored').waitFor();
    t.equal(await page.getByText('1 file is chosen').count(), 0);
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([{ name: 'again.txt', mimeType: 'text/plain', buffer }]);
    await page.getByText('2 of 2 stored').waitFor();
    await page.getByText('0 B stored · 0 % compressed away · 100 % known already').waitFor();
  },
);

browser.page('without its token the page names its own address', patient, {}, async (t, page) => {
  await page.evaluate('sessionStorage.clear()');
  await page.goto(`http://localhost:${patient.port}/`);
  await page.getByText('Open the link that serve prints').waitFor();
  t.equal(await page.locator('.code-line').textContent(), `http://localhost:${patient.port}/#token=…`);
});

if (full === undefined) t.comment('mounting is not allowed here: no disk is filled');
else {
  browser.page(
    'a disk that fills during an upload is told of, and smaller files go on',
    full.node,
    { mayComplain: ['507 (Insufficient Storage)'] },
    async (t, page) => {
      await unlock(page);
      await openTab(page, 'Chunk');
      const input = page.locator('input[type=file]').first();
      const large = full.place.path('large.bin');
      full.place.write('large.bin', sampleBytes('large', 60 * MIB));
      await input.setInputFiles([large]);
      const problem = page.locator('.problem', { hasText: 'Free some space on the disk of this machine' });
      await problem.waitFor();
      t.match(await problem.textContent(), /not enough space on the disk|no space/);
      await input.setInputFiles([
        { name: 'small.txt', mimeType: 'text/plain', buffer: Buffer.from('small') },
      ]);
      await page.getByText('1 of 2 stored').waitFor();
      t.same(
        (await full.ask('GET', '/api/files')).json.data.map(({ kind }: { kind: string }) => kind),
        ['file'],
        'only the small one is listed',
      );
    },
  );
}
