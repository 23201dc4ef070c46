// Writes a picture of every tab of the page into screenshots/, light and dark, wide and narrow, from three real machines
// with sample files. git ignores the folder.
//   node scripts/screenshots.mjs
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from './demo/browser.mjs';
import { DemoMachine } from './demo/machine.mjs';
import { password, startPageCluster } from './demo/page-cluster.mjs';
import { ensure, ensureChromium, runMain } from './ensure.mjs';

const output = join(dirname(dirname(fileURLToPath(import.meta.url))), 'screenshots');
const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 360, height: 740 } };

const openTab = (page, name) => page.getByRole('tab', { name }).click();

/** What is done before each picture, by its name. They follow one another on one page. */
const scenes = {
  'files-locked': (page) => page.getByRole('button', { name: 'Unlock to see names' }).waitFor(),
  password: async (page) => {
    await page.getByRole('button', { name: 'Unlock', exact: true }).click();
    await page.getByLabel('Password or recovery code').fill('not this one');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('password').first().waitFor();
  },
  files: async (page) => {
    await page.getByLabel('Password or recovery code').fill(password);
    await page.keyboard.press('Enter');
    await page.getByText('thesis.pdf').waitFor();
  },
  'file-details': async (page) => {
    await page.getByText('holiday-2025-cut.mkv').click();
    await page.locator('.strip').first().waitFor();
  },
  'file-delete': (page) => page.getByRole('button', { name: 'Delete…' }).click(),
  chunk: async (page) => {
    await page.keyboard.press('Escape');
    await openTab(page, 'Chunk');
    const files = ['letters.mbox', 'half-known.mbox'].map((name, index) => ({
      name,
      mimeType: 'text/plain',
      buffer: Buffer.from(`${name} says the same again. `.repeat(200_000 * (index + 1))),
    }));
    await page.locator('input[type=file]').first().setInputFiles(files);
    await page.getByText('2 of 2 stored').waitFor();
  },
  upload: (page) => openTab(page, 'Upload'),
  network: async (page) => {
    await openTab(page, 'Network');
    await page.locator('.buckets').waitFor();
  },
  'network-lost': async (page) => {
    await page.getByRole('switch').nth(1).click();
    await page.locator('.what-if').waitFor();
  },
  'network-invite': async (page) => {
    await page.getByRole('button', { name: 'Make an invite' }).click();
    await page.locator('output').scrollIntoViewIfNeeded();
  },
  server: async (page) => {
    await openTab(page, 'Server');
    await page.getByRole('log').waitFor();
  },
};

async function takeAll(browser, url, size, colorScheme) {
  const context = await browser.newContext({ viewport: sizes[size], colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(url);
  for (const [name, prepare] of Object.entries(scenes)) {
    await prepare(page);
    await page.waitForTimeout(250);
    await page.screenshot({ path: join(output, `${name}-${size}-${colorScheme}.png`) });
  }
  await context.close();
}

async function main() {
  await ensure();
  ensureChromium();
  const folder = mkdtempSync(join(tmpdir(), 'disktro-screenshots-'));
  process.once('exit', () => {
    DemoMachine.endAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output);
  const { url } = await startPageCluster(folder);
  const browser = await launchChromium();
  try {
    for (const size of Object.keys(sizes)) {
      for (const scheme of ['light', 'dark']) await takeAll(browser, url, size, scheme);
    }
    console.log(`${Object.keys(scenes).length * 4} pictures in ${output}`);
  } finally {
    await browser.close();
    DemoMachine.endAll();
  }
}

await runMain(main);
