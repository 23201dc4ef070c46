// Files go in by the page of a real cluster, as a person would have it: dropped, watched, stopped, and taken out again.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { TestCluster } from '../cluster/cluster.js';
import type { TestNode } from '../cluster/node.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { drop, giveThePassword, openTab, rowOf, slowDown, TestBrowser, unlock } from './browser.js';

// Others may use the same processors.
t.setTimeout(600_000);

const MIB = 1 << 20;
const cluster = await TestCluster.start(t);
const browser = await TestBrowser.start(t);
const desk = cluster.first;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** As `--json ls` of the command tells it: the page is not asked whether the page is right. */
async function listed(node: TestNode): Promise<Map<string, { bytes: number; copies: number }>> {
  const lines = (await node.did('--json', 'ls')).split('\n').filter(Boolean);
  const files = lines.map((line) => JSON.parse(line) as { name: string; bytes: number; copies: number });
  return new Map(files.map((file) => [file.name, file]));
}

async function downloaded(t: Test, page: Page, name: string): Promise<Buffer> {
  await rowOf(page, name).click();
  const begun = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const download = await begun;
  t.match(
    download.suggestedFilename(),
    name.split('/').at(-1)?.replace(/[<>]/g, '_'),
    'saved under its name',
  );
  return readFileSync(await download.path());
}

const film = sampleBytes('film', 50 * MIB);

browser.page(
  'a dropped file of 50 MiB is stored with its copies and comes back byte for byte',
  desk,
  {},
  async (t, page) => {
    desk.place.write('film.mkv', film);
    await openTab(page, 'Chunk');
    await drop(page, [desk.place.path('film.mkv')]);
    await giveThePassword(page);
    const bar = page.getByRole('progressbar', { name: 'Progress of film.mkv' });
    await bar.waitFor();
    await page.getByText('1 of 1 stored').waitFor();
    t.match(await page.locator('.queue-end .badge').textContent(), /3\/3/, 'three copies');
    t.match(
      await page.locator('.make-up-text').textContent(),
      /stored · \d+ % compressed away · \d+ % known/,
    );
    t.match((await listed(desk)).get('film.mkv'), { bytes: film.length, copies: 3 });
    await openTab(page, 'Files');
    t.equal(sha256(await downloaded(t, page, 'film.mkv')), sha256(film));
    t.equal(await page.locator('.strip').count(), 3, 'a strip for each node');
    for (const name of ['attic', 'barn', 'cellar']) {
      t.match(
        await page.locator('.strip', { hasText: name }).locator('svg').getAttribute('aria-label'),
        /holds (\d+) of \1 chunks/,
        `${name} holds all of it`,
      );
    }
  },
);

browser.page('the same file again is known already', desk, {}, async (t, page) => {
  await unlock(page);
  desk.place.write('film-again.mkv', film);
  await openTab(page, 'Chunk');
  await drop(page, [desk.place.path('film-again.mkv')]);
  await page.getByText('1 of 1 stored').waitFor();
  t.match(await page.locator('.make-up-text').textContent(), /(99|100) % known already/);
});

browser.page('a dropped folder is its files, each under its path', desk, {}, async (t, page) => {
  await unlock(page);
  const names = ['trip/plan.txt', 'trip/photos/one.jpg', 'trip/photos/Größe <i>🐻.jpg', 'trip/empty.txt'];
  mkdirSync(join(desk.place.cwd, 'trip/photos'), { recursive: true });
  for (const name of names) {
    writeFileSync(desk.place.path(name), name.includes('empty') ? '' : sampleBytes(name, 70_000));
  }
  await openTab(page, 'Chunk');
  await drop(page, [desk.place.path('trip')]);
  await page.getByText('4 of 4 stored').waitFor();
  const stored = await listed(desk);
  for (const name of names) t.ok(stored.has(name), `${name} is listed by the command`);
  await openTab(page, 'Files');
  await page.getByLabel('Search by name, tag or id').fill('größe');
  t.equal(await page.locator('.virtual i').count(), 0, 'a name is never HTML');
  t.equal(
    sha256(await downloaded(t, page, 'trip/photos/Größe <i>🐻.jpg')),
    sha256(sampleBytes('trip/photos/Größe <i>🐻.jpg', 70_000)),
  );
});

browser.page(
  'one of two uploads is cancelled: it is not listed, the other one is',
  desk,
  {},
  async (t, page) => {
    await unlock(page);
    desk.place.write('stopped.bin', sampleBytes('stopped', 20 * MIB));
    desk.place.write('kept.bin', sampleBytes('kept', 3 * MIB));
    await openTab(page, 'Chunk');
    await slowDown(page, MIB);
    await drop(page, [desk.place.path('stopped.bin'), desk.place.path('kept.bin')]);
    await page.locator('.queue-state', { hasText: /of 20 MiB · .*\/s · .* left/ }).waitFor();
    t.pass('shows bytes, rate and time left');
    await page.getByRole('button', { name: 'Cancel stopped.bin' }).click();
    await slowDown(page, undefined);
    await page.getByText('cancelled: nothing of it is listed').waitFor();
    await page.getByText('1 of 2 stored').waitFor();
    const stored = await listed(desk);
    t.ok(stored.has('kept.bin'));
    t.notOk(stored.has('stopped.bin'));
    await page.getByRole('button', { name: 'Try stopped.bin again' }).click();
    await page.getByText('2 of 2 stored').waitFor();
    t.match((await listed(desk)).get('stopped.bin'), { bytes: 20 * MIB }, 'a second try stores it');
  },
);

browser.page(
  'a reload in the middle of an upload asks first, leaves nothing, and says what was cut off',
  desk,
  { mayComplain: ['ERR_ABORTED'] },
  async (t, page) => {
    await unlock(page);
    desk.place.write('cut-off.bin', sampleBytes('cut-off', 20 * MIB));
    await openTab(page, 'Chunk');
    await slowDown(page, MIB);
    await drop(page, [desk.place.path('cut-off.bin')]);
    await page.locator('.queue-state', { hasText: 'of 20 MiB · ' }).waitFor();
    let asked = '';
    page.once('dialog', (dialog) => {
      asked = dialog.type();
      void dialog.accept();
    });
    await page.reload();
    t.equal(asked, 'beforeunload', 'the browser asks before it leaves');
    await page.getByText('1 upload was cut off').waitFor();
    t.match(await page.locator('.hint-card').textContent(), /cut-off\.bin/);
    t.equal(await page.getByRole('tab', { selected: true }).textContent(), 'Chunk', 'the tab is still open');
    t.equal(
      await page.getByRole('button', { name: 'Unlock', exact: true }).count(),
      1,
      'the password is asked again',
    );
    t.notOk((await listed(desk)).has('cut-off.bin'));
  },
);
