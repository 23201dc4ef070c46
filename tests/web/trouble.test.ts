// What the page shows when machines die and come back: a peer goes offline and copies turn amber, then green again; the
// server itself goes away and comes back; a vault is made; a machine is lost in thought only.
import t from 'tap';
import { emptyPlace, PASSWORD } from '../cli/place.js';
import { TestCluster } from '../cluster/cluster.js';
import { TestNode } from '../cluster/node.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { giveThePassword, openTab, rowOf, TestBrowser, unlock } from './browser.js';

// Others may use the same processors.
t.setTimeout(600_000);

const cluster = await TestCluster.start(t);
const browser = await TestBrowser.start(t);
const desk = cluster.first;
desk.place.write('film.mkv', sampleBytes('film', 2_000_000));
await desk.did('chunk', 'film.mkv');

browser.page(
  'a peer that dies shows as offline, its copies amber, and all is green when it is back',
  desk,
  {},
  async (t, page) => {
    await unlock(page);
    await rowOf(page, 'film.mkv').locator('.badge.good', { hasText: '3/3' }).waitFor();
    await cluster.node(1).kill();
    await rowOf(page, 'film.mkv').locator('.badge.short', { hasText: '2/3' }).waitFor();
    t.pass('two copies, in amber');
    await page.getByText('1 short of copies').waitFor();
    await openTab(page, 'Network');
    const card = page.locator('.node-card', { hasText: 'barn' });
    await card.locator('.badge.bad', { hasText: 'offline' }).waitFor();
    t.match(await card.textContent(), /Last seen(just now|\d+ (s|min) ago)/);
    t.equal(await page.locator('.graph-link.is-down').count(), 2, 'the graph shows it');
    await cluster.node(1).serve();
    await card.locator('.badge.good', { hasText: 'online' }).waitFor();
    await openTab(page, 'Files');
    await rowOf(page, 'film.mkv').locator('.badge.good', { hasText: '3/3' }).waitFor();
    t.pass('three copies, in green, without a reload');
  },
);

browser.page('the loss of a machine can be tried out', desk, {}, async (t, page) => {
  await openTab(page, 'Network');
  const lose = (name: string) => page.getByRole('switch', { name: `What if I lose ${name}?` }).click();
  await lose('barn');
  await page.getByText('Without barn: nothing is lost, 1 file would be short of copies').waitFor();
  await lose('cellar');
  await lose('attic');
  await page.getByText('1 file would be lost').waitFor();
  t.equal(await page.locator('.what-if.bad').count(), 1, 'in red');
  for (const name of ['attic', 'barn', 'cellar']) await lose(name);
  await page.locator('.what-if').waitFor({ state: 'detached' });
});

browser.page(
  'a server that goes away is told of, and when it is back so is everything',
  desk,
  { mayComplain: ['ERR_', 'Failed to load'] },
  async (t, page) => {
    await unlock(page);
    await desk.end('SIGTERM');
    await page.getByText('No connection to').waitFor();
    t.equal(await page.locator('.virtual .row').count(), 1, 'what was known is still there');
    await desk.serve();
    await page.getByText('No connection to').waitFor({ state: 'detached' });
    await page.getByText('Unlock to see names').waitFor();
    await unlock(page);
    await rowOf(page, 'film.mkv').waitFor();
    t.pass('locked first: the keys were wiped with the old process');
  },
);

t.test('on a new machine the first file makes the vault, and the code is shown once', async (t) => {
  const node = new TestNode({ name: 'new', place: emptyPlace(t) });
  t.teardown(() => node.kill());
  await node.serve();
  const fresh = await TestBrowser.start(t);
  fresh.page('the first file', node, {}, async (t, page) => {
    await page.getByText('No files yet').waitFor();
    await page.getByRole('button', { name: 'Add files' }).click();
    const input = page.locator('input[type=file]').first();
    await input.setInputFiles([{ name: 'first.txt', mimeType: 'text/plain', buffer: Buffer.from('first') }]);
    await page.getByLabel('Password', { exact: true }).fill('four words and more');
    await page.getByLabel('The same again').fill('four words and mroe');
    await page.keyboard.press('Enter');
    await page.getByText('These are two different passwords').waitFor();
    await page.getByLabel('The same again').fill('four words and more');
    await page.keyboard.press('Enter');
    const code = await page.getByLabel('Recovery code', { exact: true }).textContent();
    t.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
    await page.keyboard.press('Escape');
    t.ok(await page.getByText('I have written it down').isVisible(), 'not closed by accident');
    await page.getByLabel('I have written it down').check();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('1 of 1 stored').waitFor();
    t.match(
      await node.runWith({ env: { DISKTRO_PASSWORD: code ?? '' } }, 'ls'),
      { status: 0, stdout: /first\.txt/ },
      'the code opens it',
    );
  });
});

browser.page(
  'a file for one machine stays chosen when the password is not given, and goes there when it is',
  desk,
  {},
  async (t, page) => {
    await openTab(page, 'Upload');
    await page.getByRole('radio', { name: /cellar/ }).check();
    const file = { name: 'chosen.txt', mimeType: 'text/plain', buffer: Buffer.from('for the cellar') };
    const input = page.locator('.upload input[type=file]').first();
    await input.setInputFiles([file]);
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByText('chosen.txt is chosen and not stored yet').waitFor();
    await page.getByRole('button', { name: 'Forget', exact: true }).click();
    t.equal(await page.getByText('is chosen').count(), 0);
    await input.setInputFiles([file]);
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('button', { name: 'Send it to cellar', exact: true }).click();
    t.equal(await page.getByText('is chosen').count(), 0, 'not while it is asked for');
    await giveThePassword(page, PASSWORD);
    await page.getByText('cellar holds all of chosen.txt').waitFor();
    t.equal(await page.getByText('is chosen').count(), 0, 'nor when it is stored');
  },
);
