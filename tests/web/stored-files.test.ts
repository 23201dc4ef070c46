// What the page does with a stored file, and what it shows of what others do: the password, downloads, verify, write back,
// send, delete, a second tab.
import { createHash } from 'node:crypto';
import t from 'tap';
import { PASSWORD } from '../cli/place.js';
import { TestCluster } from '../cluster/cluster.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { giveThePassword, linkTo, openTab, rowOf, TestBrowser, unlock } from './browser.js';

// Others may use the same processors.
t.setTimeout(600_000);

const cluster = await TestCluster.start(t);
const browser = await TestBrowser.start(t);
const desk = cluster.first;
const kept = sampleBytes('kept', 900_000);
desk.place.write('film.mkv', sampleBytes('film', 3_000_000));
desk.place.write('kept.bin', kept);
await desk.did('chunk', 'film.mkv', 'kept.bin');

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const names = async (): Promise<string> => desk.did('ls');

browser.page(
  'a wrong password is refused with advice, the right one goes on where it was asked',
  desk,
  { mayComplain: ['403 (Forbidden)'] },
  async (t, page) => {
    const rows = page.locator('.virtual .row');
    await rows.first().waitFor();
    t.notMatch(await page.locator('.virtual').textContent(), /film/, 'names are hidden');
    await rows.first().click();
    const begun = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    await giveThePassword(page, 'not this one');
    t.match(await page.locator('dialog .problem').textContent(), /wrong password.*Check capitals/);
    await giveThePassword(page, PASSWORD);
    t.ok(await (await begun).path(), 'the download begins without another click');
    await rowOf(page, 'film.mkv').waitFor();
    await page.getByRole('button', { name: 'Lock', exact: true }).click();
    await page.getByText('Unlock to see names').waitFor();
    t.notMatch(await page.locator('.virtual').textContent(), /film/, 'hidden again');
  },
);

browser.page(
  'a file is verified, written back on the machine, sent to a peer, and deleted',
  desk,
  { mayComplain: ['409 (Conflict)'] },
  async (t, page) => {
    await unlock(page);
    await rowOf(page, 'kept.bin').click();
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText(/kept\.bin is whole: \d+ objects? read/).waitFor();

    await page.getByRole('button', { name: 'Reassemble…' }).click();
    await page.getByLabel('File name').fill('back.bin');
    await page.getByRole('button', { name: 'Write it' }).click();
    await page.getByText('kept.bin is back').waitFor();
    t.equal(sha256(desk.place.read('back.bin')), sha256(kept));
    await page.getByRole('button', { name: 'Reassemble…' }).click();
    await page.getByLabel('File name').fill('back.bin');
    await page.getByRole('button', { name: 'Write it' }).click();
    await page.locator('.notice.error', { hasText: 'is there already' }).waitFor();

    await page.getByRole('button', { name: 'Send to…' }).click();
    await page.getByRole('radio', { name: 'barn' }).check();
    await page.getByRole('button', { name: 'Send kept.bin to barn' }).click();
    await page.getByText('barn holds all of kept.bin').waitFor();

    await openTab(page, 'Files');
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    t.ok((await names()).includes('kept.bin'), 'kept when not confirmed');
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await rowOf(page, 'kept.bin').waitFor({ state: 'detached' });
    t.notOk((await names()).includes('kept.bin'));
  },
);

browser.page('a file that another page or a command stores shows up by itself', desk, {}, async (t, page) => {
  await unlock(page);
  const second = await page.context().newPage();
  await second.goto(linkTo(desk));
  await unlock(second);
  desk.place.write('from-cron.txt', 'stored by cron');
  await desk.did('chunk', 'from-cron.txt');
  await rowOf(page, 'from-cron.txt').waitFor();
  await rowOf(second, 'from-cron.txt').waitFor();
  t.pass('in both tabs');
});
