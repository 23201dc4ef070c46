// Every tab, by mouse and by keyboard alone, light and dark, wide and narrow: what it shows, that nothing sticks out, and
// that a screen reader finds its way (axe).
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { PASSWORD } from '../cli/place.js';
import { TestCluster } from '../cluster/cluster.js';
import { sampleBytes } from '../ops/sample-bytes.js';
import { expectAccessible, NARROW, openTab, rowOf, TestBrowser, unlock, WIDE } from './browser.js';

// Others may use the same processors.
t.setTimeout(600_000);

const TABS = ['Files', 'Chunk', 'Upload', 'Network', 'Server'] as const;

const cluster = await TestCluster.start(t);
const browser = await TestBrowser.start(t);
const desk = cluster.first;
desk.place.write('Letter to Anna.txt', 'dear Anna');
desk.place.write('film.mkv', sampleBytes('film', 700_000));
desk.place.write('<img src=x onerror=alert(1)>.txt', 'no harm');
await desk.did(
  'chunk',
  '--tag',
  'post',
  'Letter to Anna.txt',
  'film.mkv',
  '<img src=x onerror=alert(1)>.txt',
);

/** What a tab shows once it is there. */
const sights: Readonly<Record<(typeof TABS)[number], string>> = {
  Files: 'Letter to Anna.txt',
  Chunk: 'Drop files or folders here',
  Upload: 'To which machine',
  Network: 'What if I lose it?',
  Server: 'listens on',
};

async function expectNothingSticksOut(t: Test, page: Page, what: string): Promise<void> {
  const beyond = await page.evaluate(`[...document.querySelectorAll('body *')]
    .filter((each) => !each.closest('.unseen') && each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.tagName + '.' + each.className)`);
  t.same(beyond, [], `nothing is wider than the window on ${what}`);
}

for (const [size, viewport] of Object.entries({ '1440 px': WIDE, '360 px': NARROW })) {
  for (const colorScheme of ['light', 'dark'] as const) {
    browser.page(
      `every tab can be used at ${size}, ${colorScheme}`,
      desk,
      { viewport, colorScheme },
      async (t, page) => {
        await expectAccessible(t, page, 'the locked page');
        await page.getByRole('button', { name: 'Unlock', exact: true }).click();
        await page.getByLabel('Password or recovery code').waitFor();
        await expectAccessible(t, page, 'the question for the password');
        await page.keyboard.press('Escape');
        await unlock(page);
        for (const tab of TABS) {
          await openTab(page, tab);
          await page.getByText(sights[tab]).first().waitFor();
          await expectAccessible(t, page, tab);
          await expectNothingSticksOut(t, page, tab);
        }
        await openTab(page, 'Files');
        await rowOf(page, 'film.mkv').click();
        await page.locator('.strip').first().waitFor();
        await expectAccessible(t, page, 'the details of a file');
        await expectNothingSticksOut(t, page, 'the details of a file');
        const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        t.equal(
          ground,
          colorScheme === 'dark' ? 'rgb(17, 18, 23)' : 'rgb(245, 245, 243)',
          'as the system wants it',
        );
      },
    );
  }
}

browser.page('everything can be reached and used by keyboard alone', desk, {}, async (t, page) => {
  const focused = (): Promise<string> =>
    page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent');
  const tabTo = async (name: string): Promise<void> => {
    for (let presses = 0; presses < 60; presses++) {
      if ((await focused()).startsWith(name)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`no way to ${name} by keyboard`);
  };
  await tabTo('Unlock');
  await page.keyboard.press('Enter');
  await page.getByLabel('Password or recovery code').waitFor();
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await rowOf(page, 'film.mkv').waitFor();

  await tabTo('Files');
  for (const tab of TABS.slice(1)) {
    await page.keyboard.press('ArrowRight');
    await page.getByText(sights[tab]).first().waitFor();
    t.equal(await page.getByRole('tab', { selected: true }).textContent(), tab);
    t.match(page.url(), `#${tab.toLowerCase()}`, 'has an address');
  }
  await page.keyboard.press('ArrowLeft');
  await page.getByRole('switch').first().waitFor();
  await tabTo('What if I lose barn?');
  await page.keyboard.press('Space');
  await page.locator('.what-if').getByText('Without barn').waitFor();
  await tabTo('Make an invite');
  await page.keyboard.press('Enter');
  t.match(await page.getByLabel('The invite', { exact: true }).textContent(), /^disktro-invite-1:/);

  await page.getByRole('tab', { selected: true }).focus();
  await page.keyboard.press('Home');
  await rowOf(page, 'film.mkv').waitFor();
  await tabTo('Search');
  await page.keyboard.type('post anna');
  await page.getByText('1 found').waitFor();
  for (let presses = 0; presses < 10 && !(await focused()).includes('Letter'); presses++)
    await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.strip').first().waitFor();
  await tabTo('Download');
  const begun = page.waitForEvent('download');
  await page.keyboard.press('Enter');
  t.equal((await begun).suggestedFilename(), 'Letter to Anna.txt');
  await tabTo('Delete…');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  t.equal(await focused(), 'Delete…', 'the focus is back where it was');
});

browser.page('tab, search, order, open file and colours survive a reload', desk, {}, async (t, page) => {
  await unlock(page);
  await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click();
  await page.getByLabel('Search by name, tag or id').fill('post');
  await rowOf(page, 'film.mkv').click();
  await page.getByRole('button', { name: 'Dark colours' }).click();
  await page.reload();
  await page.locator('.strip').first().waitFor();
  t.equal(await page.getByLabel('Search by name, tag or id').inputValue(), 'post');
  t.equal(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort'), 'ascending');
  t.ok(await page.getByRole('button', { name: 'Light colours' }).isVisible(), 'still dark');
  t.equal(
    await page.getByRole('button', { name: 'Unlock', exact: true }).count(),
    1,
    'the password is not kept',
  );
  const kept = (await page.evaluate('JSON.stringify({ ...sessionStorage, ...localStorage })')) as string;
  t.notMatch(kept, /session"|film/, 'neither are the session and the names');
  t.notOk(kept.includes(PASSWORD));
  await openTab(page, 'Server');
  await page.goBack();
  t.equal(
    await page.getByRole('tab', { selected: true }).textContent(),
    'Files',
    'Back goes to the tab before',
  );
});

browser.page(
  'without its token the page says where to find the link',
  desk,
  { mayComplain: ['401'] },
  async (t, page) => {
    t.notMatch(page.url(), /token/, 'the token is out of the address');
    const bare = await page.context().newPage();
    await bare.goto(`http://localhost:${desk.port}/`);
    await bare.getByText('Open the link that serve prints').waitFor();
    await expectAccessible(t, bare, 'the page without a token');
    await bare.goto(`http://localhost:${desk.port}/#token=${'0'.repeat(64)}`);
    await bare.reload();
    await bare.getByText('Open the link that serve prints').waitFor();
    t.pass('the same for a token that is wrong');
  },
);
